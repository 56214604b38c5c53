import Glibc
import NIOCore
import ServiceLifecycle

/// Runs a listener, and tells those who wait for its port if it fails.
struct ListenerService: Service, CustomStringConvertible {
    enum Kind: String, Sendable {
        case api = "API"
        case operations
    }

    let kind: Kind
    /// Host and port, for messages.
    let address: String
    let ports: BoundPorts
    let gate: ConnectionGate
    /// Checks that must succeed before the listener listens.
    let prelude: @Sendable () async throws -> Void
    let listen: @Sendable () async throws -> Void

    var description: String { "\(kind.rawValue) listener" }

    func run() async throws {
        do {
            try await prelude()
            try await listenUntilStopped()
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // The service was told to stop before it listened. That is no failure.
        } catch let cause as IOError where [EADDRINUSE, EADDRNOTAVAIL, EACCES].contains(cause.errnoCode) {
            let error = ListenerError(kind: kind, address: address, cause: cause)
            ports.failed(error)
            throw error
        } catch {
            ports.failed(error)
            throw error
        }
        ports.failed(CancellationError())
    }

    /// A cancelled listener stops accepting first, too.
    private func listenUntilStopped() async throws {
        defer { gate.close() }
        let listening = Task { try await listen() }
        try await withTaskCancellationHandler {
            try await listening.value
        } onCancel: {
            Task {
                await gate.stop()
                listening.cancel()
            }
        }
    }
}

/// A listener cannot have the address that it was given.
public struct ListenerError: Error, CustomStringConvertible {
    let kind: ListenerService.Kind
    let address: String
    let cause: IOError

    public var description: String {
        "the \(kind.rawValue) listener cannot listen on \(address): \(String(cString: strerror(cause.errnoCode)))"
    }
}
