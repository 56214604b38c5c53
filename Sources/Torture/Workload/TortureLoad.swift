internal import LoadGenerator
internal import NIOCore

/// Requests of clients to each of the servers, by the clock.
struct TortureLoad: Sendable {
    /// The time of a load that is stopped by `during`.
    private static let endless: Duration = .seconds(7 * 86_400)

    let world: TortureWorld
    /// The port of each server that clients connect to.
    let ports: [Int]
    /// Requests a second, of all servers together.
    let rate: Double

    /// Loads the servers while the body runs.
    func during<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let pace = Pace.open(rate: rate / Double(ports.count), spacing: .poisson(seed: world.seed))
        let runs = try await open(pace, duration: TortureLoad.endless)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for run in runs { group.addTask { _ = try await run.perform() } }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            for run in runs { run.stop() }
            try await group.waitForAll()
            return try result.get()
        }
    }

    /// Asks again for everything whose outcome is unknown, until it is known or the time is over.
    func resolve(limit: Duration) async throws {
        guard world.beginResolving() > 0 else { return }
        let runs = try await open(.closed, duration: limit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for run in runs { group.addTask { _ = try await run.perform() } }
            try await group.waitForAll()
        }
    }

    private func open(_ pace: Pace, duration: Duration) async throws -> [LoadRun] {
        var runs: [LoadRun] = []
        for (server, port) in ports.enumerated() {
            var plan = LoadPlan(
                address: try SocketAddress(ipAddress: "127.0.0.1", port: port),
                pace: pace,
                kinds: TortureWorkload.kinds,
                duration: duration
            )
            plan.connections = TortureSettings.connections
            plan.limits.requestTimeout = TortureSettings.requestTimeout
            plan.limits.waitingStarts = TortureSettings.waitingStarts
            runs.append(
                try await LoadRun.open(plan) { [world] _ in TortureWorkload(world, server: server, host: "127.0.0.1:\(port)") }
            )
        }
        return runs
    }
}
