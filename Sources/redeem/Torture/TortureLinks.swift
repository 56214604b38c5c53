internal import NIOCore
internal import Torture

/// The proxies of a run: one for each pair of programs that talk to each other, so that each link can fail by itself.
struct TortureLinks: Sendable {
    /// Clients and each server.
    let clients: [FaultProxy]
    let serverRedis: [FaultProxy]
    let serverPostgres: [FaultProxy]
    let syncRedis: [FaultProxy]
    let syncPostgres: [FaultProxy]
    /// Operators and Postgres.
    let operators: FaultProxy

    var all: [FaultProxy] { clients + serverRedis + serverPostgres + syncRedis + syncPostgres + [operators] }

    /// - Parameter redis: the port of Redis.
    static func start(redis: Int, postgres: Int, on group: any EventLoopGroup) async throws -> TortureLinks {
        func two(to port: Int) async throws -> [FaultProxy] {
            [try await FaultProxy.start(to: port, on: group), try await FaultProxy.start(to: port, on: group)]
        }
        return TortureLinks(
            // Their targets are known when the servers listen. Nobody listens on port 1 meanwhile.
            clients: try await two(to: 1),
            serverRedis: try await two(to: redis),
            serverPostgres: try await two(to: postgres),
            syncRedis: try await two(to: redis),
            syncPostgres: try await two(to: postgres),
            operators: try await FaultProxy.start(to: postgres, on: group)
        )
    }

    func heal() async { for proxy in all { await proxy.set(.none) } }

    func stop() async { for proxy in all { await proxy.stop() } }
}
