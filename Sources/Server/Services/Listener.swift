import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One of the two listeners.
struct Listener: Sendable {
    let kind: ListenerService.Kind
    let responder: CallbackResponder<APIContext>
    let host: String
    let port: Int
    let server: HTTPServerBuilder
    let gate: ConnectionGate
    let eventLoopGroup: any EventLoopGroup

    /// What operations listeners run on, so that probes are not behind the sale: a thread that ends with the process. Hummingbird
    /// says that a listener has stopped before the last of its own tasks has, so no moment is late enough to end the thread.
    static let operationsThread: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    static func operations(
        _ responder: CallbackResponder<APIContext>,
        host: String,
        port: Int,
        limits: ServerLimits,
        logger: Logger
    ) -> Listener {
        let gate = ConnectionGate(allowed: limits.operationsConnections, limits: limits, logger: logger)
        return Listener(
            kind: .operations,
            responder: responder,
            host: host,
            port: port,
            server: HTTPServerBuilder { responder in
                GatedChannel(inner: OperationsChannel(responder: responder, limits: limits), gate: gate)
            },
            gate: gate,
            eventLoopGroup: operationsThread
        )
    }

    /// The listener, and what stops it from accepting before it stops.
    func services(
        limits: ServerLimits,
        bound: BoundPorts,
        logger: Logger,
        prelude: @escaping @Sendable () async throws -> Void = {}
    ) -> [any Service] {
        let listener = ListenerService(kind: kind, address: "\(host):\(port)", ports: bound, gate: gate, prelude: prelude) {
            let application = Application(
                responder: responder,
                server: server,
                configuration: ApplicationConfiguration(
                    address: .hostname(host, port: port),
                    backlog: limits.backlog,
                    availableConnectionsDelegate: GateDelegate(gate: gate)
                ),
                onServerRunning: { channel in
                    // Connections have it from the socket that accepts them: set later, it would take back room that their
                    // clients have been promised, and what is on its way would be lost. Without it there is only no limit.
                    try? await channel.setOption(.socketOption(.so_rcvbuf), value: numericCast(limits.receiveBytes)).get()
                    // Where the socket is closed again, nobody is to be let in.
                    try? await gate.open(channel)
                    bound.bound(kind, to: channel.localAddress?.port ?? 0)
                },
                eventLoopGroupProvider: .shared(eventLoopGroup),
                logger: logger
            )
            try await application.run()
        }
        return [listener, GateService(gate: gate)]
    }
}

/// Behind its listener in the list, hence the first of the two to hear of a shutdown.
private struct GateService: Service {
    let gate: ConnectionGate

    func run() async throws {
        // A cancelled group stops too, only less gently.
        do { try await gracefulShutdown() } catch {}
        await gate.stop()
    }
}
