internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import LoadGenerator
internal import Logging
internal import Persistence
internal import PostgresClient
internal import Synchronization
internal import Terminal
internal import UnixSignals

/// One run: load, with faults and calm between them; then all is healed, cleared up, drained and checked.
struct TortureRun: Sendable {
    /// The load before the first fault, in which every user has logged in once.
    private static let lead: Duration = .seconds(1)
    /// How long requests with an unknown outcome are asked again at the end. A user who is locked out after wrong codes cannot be
    /// asked for.
    private static let resolveLimit: Duration = .seconds(20)

    let settings: TortureSettings
    let stack: TortureStack
    let logger: Logger

    func perform() async throws -> TortureReport {
        let digester = CodeDigester(key: stack.codeKey)
        let operators = try await TortureOperators.prepare(
            settings.users,
            seed: settings.seed,
            postgres: stack.direct.postgres,
            digester: digester
        )
        let world = operators.world
        let throughProxy = PostgresClient(
            configuration: TortureStores.impatient(stack.postgres.url(through: stack.links.operators.port, as: "operators")),
            logger: logger
        )
        let began = ContinuousClock.now
        let isStopping = Atomic(false)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let interrupt = Task {
            for await _ in signals {
                Output.note("stopping after this fault …")
                isStopping.store(true, ordering: .relaxed)
            }
        }
        defer { interrupt.cancel() }
        let load = TortureLoad(world: world, ports: stack.links.clients.map(\.port), rate: settings.rate)
        let monitor = TortureMonitor(world, postgres: stack.direct.postgres)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await monitor.run() }
                group.addTask {
                    await TortureOperators(world: world, postgres: throughProxy, digester: digester).run(seed: settings.seed)
                }
                try await load.during { try await torture(world, monitor) { isStopping.load(ordering: .relaxed) } }
                group.cancelAll()
            }
            let seconds = (ContinuousClock.now - began).seconds
            await stack.links.heal()
            Output.note("clearing up \(world.counts.unknown) requests without an answer, draining, checking …")
            try await load.resolve(limit: TortureRun.resolveLimit)
            let store = stack.direct.store
            try await FinalStateReader.drain(store, stack.direct.postgres, limit: TortureSettings.drainLimit)
            let history = world.history
            let reader = FinalStateReader(
                history: history,
                store: store,
                hotPath: HotPath(client: stack.direct.client),
                postgres: stack.direct.postgres
            )
            var finalState = try await reader.read()
            finalState.drift = try await reader.drift()
            await throughProxy.close()
            return TortureReport(
                settings,
                history,
                finalState,
                Checker(history, finalState, mode: settings.mode).violations(),
                seconds: seconds
            )
        } catch {
            await throughProxy.close()
            throw error
        }
    }

    private func torture(_ world: TortureWorld, _ monitor: TortureMonitor, _ isStopping: () -> Bool) async throws {
        try? await Task.sleep(for: TortureRun.lead)
        let nemesis = Nemesis(stack: stack, world: world, monitor: monitor, mode: settings.mode)
        var schedule = FaultSchedule(settings.faults, times: settings.times, seed: settings.seed)
        let began = ContinuousClock.now
        var steps = 0
        while !isStopping() {
            if let duration = settings.duration {
                guard ContinuousClock.now - began < duration else { break }
            } else if steps == settings.faults.count {
                break
            }
            steps += 1
            let records = try await nemesis.perform(schedule.next())
            show(records, world, ContinuousClock.now - began)
            // A fault that begins while the service is still closed could not be told from this one.
            guard records.allSatisfy({ $0.secondsToOpen != nil }) else { break }
            // This happens in the middle of the load, so requests under way must not count as drift.
            let drift = try await stack.direct.patiently {
                try await FinalStateReader.drift(HotPath(client: $0.client), $0.postgres)
            }
            world.add(drift: drift.map { "after \(records.map(\.fault.rawValue).joined(separator: " and ")): \($0)" })
        }
        try? await Task.sleep(for: TortureRun.lead)
    }

    private func show(_ records: [FaultRecord], _ world: TortureWorld, _ elapsed: Duration) {
        let counts = world.counts
        let names = records.map(\.fault.rawValue).joined(separator: " + ")
        let opened = records.first?.secondsToOpen.map { "open after \(Measure.seconds($0))" } ?? "NOT OPEN"
        let proofs = records.map { $0.proof ?? "NOT PROVEN" }.joined(separator: "; ")
        Output.note(
            "\(Int(elapsed.seconds)) s  \(names)  \(opened)  \(Measure.count(counts.requests)) requests, "
                + "\(Measure.count(counts.accepted)) accepted, \(Measure.count(counts.unknown)) unknown  (\(proofs))"
        )
    }
}
