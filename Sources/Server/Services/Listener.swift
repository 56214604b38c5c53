import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The listener of the API, or of the operations port.
struct Listener: Sendable {
    let kind: ListenerService.Kind
    let responder: CallbackResponder<APIContext>
    let host: String
    let port: Int
    let server: HTTPServerBuilder
    let gate: ConnectionGate
    let eventLoopGroup: any EventLoopGroup

    /// The thread of operations listeners. It is their own, so that probes do not wait behind the sale. It ends with the process:
    /// Hummingbird says that a listener has stopped before the last of its tasks has ended, so no moment is safe to end the
    /// thread.
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

    /// The listener, and the service that makes it stop accepting before it stops.
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
                    // Connections inherit the size from this socket. Set on a connection, it would take back room that the client
                    // has been promised, and bytes on their way would be lost. If the call fails, only the limit is missing.
                    try? await channel.setOption(.socketOption(.so_rcvbuf), value: numericCast(limits.receiveBytes)).get()
                    // This fails if the socket is closed already. Then nobody is to be let in.
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

/// Stops the gate when a shutdown begins. It stands behind its listener in the list of services, so it is stopped before the
/// listener.
private struct GateService: Service {
    let gate: ConnectionGate

    func run() async throws {
        // Cancellation of the group means a stop, too.
        do { try await gracefulShutdown() } catch {}
        await gate.stop()
    }
}
