internal import Domain
internal import Foundation
internal import LoadGenerator
internal import NIOCore
internal import Terminal
internal import UnixSignals

/// One run against a target that is ready: it makes the load, the figures and the checks.
struct BenchRun: Sendable {
    /// How long users may take to redeem before a run of `repeat`.
    private static let preludeLimit: Duration = .seconds(600)

    let settings: BenchSettings
    let target: BenchTarget

    func perform() async throws -> BenchReport {
        try FileLimit.raise(forConnections: settings.connections)
        try await target.reach()
        let answers = SaleAnswers(users: target.tokens.count)
        let hasSale = settings.mix.contains(.redeem) || settings.mix.contains(.repeated)
        let audit = SaleAudit(target: target, answers: answers, seed: settings.seed)
        let before = hasSale ? try await audit.before() : nil
        if settings.mix.contains(.repeated) { try await prelude(answers) }

        let startedAt = Date()
        let run = try await open(try plan(), answers)
        let interrupted = await stopOnInterrupt(run)
        defer { interrupted.cancel() }
        let used = processors()
        var display = LiveDisplay(settings: settings)
        let gauges = TargetGauges(target: target, hasSale: hasSale)
        let result = try await run.perform(gauges: { await gauges.read() }, onInterval: { display.show($0) })
        let usedAfter = processors()

        var checks: [SaleFacts.Check] = []
        if let before { checks += try await audit.after(before) }
        if settings.mix.contains(.refresh) { checks.append(sessions(result)) }
        checks.append(hasSucceeded(result))
        let unknown = BenchReport.unknown(in: result)
        let requests = Double(max(1, result.series.reduce(0) { $0 + $1.answered }))
        let measured = FailCondition.Run(result, unknown: unknown)
        let (machine, configuration) = (Machine.current(), configuration())
        return BenchReport(
            version: Version.current,
            startedAt: startedAt,
            machine: machine,
            configuration: configuration,
            result: result,
            unknown: unknown,
            processors: target.processes.compactMap { process in
                guard let from = used[process.name], let to = usedAfter[process.name] else { return nil }
                return BenchReport.ProcessorTime(process: process.name, microseconds: (to - from) / requests * 1e6)
            },
            checks: checks,
            baseline: settings.baseline?.compared(with: measured, configuration, machine),
            failed: settings.conditions.reduce(into: [:]) { failed, condition in
                failed[condition.description] = condition.violation(in: measured, baseline: settings.baseline?.run)
            }
        )
    }

    private func plan() throws -> LoadPlan {
        var plan = LoadPlan(
            address: target.address,
            pace: settings.pace,
            kinds: settings.mix.parts.map { RequestKind($0.kind.rawValue, expected: $0.kind.expected) },
            duration: settings.duration
        )
        plan.tls = try target.loadTLS()
        plan.connections = settings.connections
        plan.threads = settings.threads
        plan.warmup = settings.warmup
        // A short run has at least twenty intervals.
        plan.interval = min(.seconds(1), max(.milliseconds(100), (settings.warmup + settings.duration) / 20))
        plan.limits.requestTimeout = settings.timeout
        plan.limits.drain = max(plan.limits.drain, settings.timeout)
        return plan
    }

    private func open(_ plan: LoadPlan, _ answers: SaleAnswers, only: RequestKindName? = nil) async throws -> LoadRun {
        let workloads = BenchWorkloads(settings: settings, target: target, answers: answers)
        do {
            return try await LoadRun.open(plan) { thread in
                only == nil ? workloads.all(thread: thread) : workloads.prelude(thread: thread)
            }
        } catch let error as LoadError {
            throw Unreachable(
                "\(target.api): \(error)",
                remedy: "is `redeem serve` running there, and does it take so many connections?"
            )
        }
    }

    /// Lets the users redeem who must have redeemed before the run.
    private func prelude(_ answers: SaleAnswers) async throws {
        Output.note("letting users redeem who will ask again …")
        var plan = try plan()
        plan.pace = .closed
        plan.warmup = .zero
        plan.duration = BenchRun.preludeLimit
        plan.kinds = [RequestKind("prelude", expected: RequestKindName.redeem.expected)]
        plan.connections = max(settings.threads, min(64, settings.connections))
        let result = try await open(plan, answers, only: .redeem).perform()
        guard result.errors == 0 else {
            let outcomes = result.outcomes.map { "\($0.outcome.name) \($0.count)" }.joined(separator: ", ")
            throw Refusal("users who shall ask again could not redeem before: \(outcomes)")
        }
    }

    /// Ctrl-C ends the load. The checks and the figures until then follow.
    private func stopOnInterrupt(_ run: LoadRun) async -> Task<Void, Never> {
        let signals = await UnixSignalsSequence(trapping: .sigint)
        return Task {
            for await _ in signals {
                Output.note("stopping the load …")
                run.stop()
            }
        }
    }

    private func processors() -> [String: Double] {
        var seconds: [String: Double] = [:]
        for process in target.processes { seconds[process.name] = ProcessCPU.seconds(of: process.pid) }
        return seconds
    }

    /// The service must accept each refresh token that it gave.
    private func sessions(_ result: LoadResult) -> SaleFacts.Check {
        let refused = result.kinds.flatMap(\.wholeRun)
            .filter { ["refresh_token_invalid", "refresh_token_reused"].contains($0.outcome.name) }
            .reduce(0) { $0 + $1.count }
        return SaleFacts.Check(
            promise: "each refresh token that was given is accepted",
            holds: refused == 0,
            detail: "\(refused) refused"
        )
    }

    /// Without a single expected answer the figures mean nothing.
    private func hasSucceeded(_ result: LoadResult) -> SaleFacts.Check {
        let expected = result.outcomes.filter(\.isExpected).reduce(0) { $0 + $1.count }
        return SaleFacts.Check(
            promise: "requests were answered as the scenario expects",
            holds: expected > 0,
            detail: "\(Measure.count(expected)) of \(Measure.count(result.requests))"
        )
    }

    private func configuration() -> BenchReport.Configuration {
        let (pace, rate): (String, Double?) =
            switch settings.pace {
            case .open(let rate, .constant): ("evenly", rate)
            case .open(let rate, .poisson): ("at random", rate)
            case .closed: ("closed", nil)
            }
        let isLocal =
            switch settings.place {
            case .local: true
            case .url: false
            }
        return BenchReport.Configuration(
            scenario: settings.scenario,
            target: isLocal ? "a server of its own" : target.api.description,
            pace: pace,
            rate: rate,
            durationSeconds: settings.duration.seconds,
            warmupSeconds: settings.warmup.seconds,
            connections: settings.connections,
            threads: settings.threads,
            timeoutSeconds: settings.timeout.seconds,
            seed: settings.seed,
            mix: settings.mix.description,
            idempotencyKeys: settings.hasKeys,
            users: isLocal ? settings.users : nil,
            stock: isLocal ? settings.stock : nil,
            durability: isLocal ? settings.durability.rawValue : nil
        )
    }
}
