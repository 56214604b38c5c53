import ServiceLifecycle

/// One of the two listeners, told when it listens.
struct ListenerService: Service, CustomStringConvertible {
    enum Kind: String, Sendable {
        case api = "API"
        case operations
    }

    let kind: Kind
    let ports: BoundPorts
    /// What must be known to be well before anybody is listened to.
    let prelude: @Sendable () async throws -> Void
    let listen: @Sendable () async throws -> Void

    var description: String { "\(kind.rawValue) listener" }

    func run() async throws {
        do {
            try await prelude()
            try await listen()
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // Told to stop before it listened, which is no failure.
        } catch {
            ports.failed(error)
            throw error
        }
        ports.failed(CancellationError())
    }
}
