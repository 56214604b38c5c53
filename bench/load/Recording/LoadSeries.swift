/// Makes the series and the result of a run from the snapshots of its threads. No I/O.
struct LoadSeries {
    private let plan: LoadPlan
    private let clock: RunClock
    private let gaugesBefore: [String: Double]
    private var intervals: [LoadInterval] = []
    private var last: [WorkerSnapshot]
    private var lastTime: UInt64
    /// Processor time and answers of the generator's threads after the warm-up.
    private var cpuNanoseconds: UInt64 = 0
    private var cpuAnswers = 0
    private var cpuSpan: UInt64 = 0

    /// - Parameters:
    ///   - first: snapshots from before anything was sent.
    ///   - gauges: read at the same moment.
    init(plan: LoadPlan, clock: RunClock, first: [WorkerSnapshot], gauges: [String: Double]) {
        self.plan = plan
        self.clock = clock
        gaugesBefore = gauges
        last = first
        lastTime = clock.start
    }

    /// - Returns: the entry; `nil` if no time has passed.
    mutating func append(_ snapshots: [WorkerSnapshot], at now: UInt64, gauges: [String: Double]) -> LoadInterval? {
        guard now > lastTime + 1_000_000 else { return nil }
        let seconds = Double(now - lastTime) / 1e9
        var series = Latencies()
        for snapshot in snapshots { series.add(snapshot.series) }
        func delta(_ value: (WorkerSnapshot) -> Int) -> Int {
            snapshots.reduce(0) { $0 + value($1) } - last.reduce(0) { $0 + value($1) }
        }
        let cpu = snapshots.reduce(0) { $0 + $1.cpuNanoseconds } - last.reduce(0) { $0 + $1.cpuNanoseconds }
        let answered = delta(\.answered)
        let isWarmup = lastTime < clock.measured
        if !isWarmup, now <= clock.end + 1_000_000_000 {
            cpuNanoseconds += cpu
            cpuAnswers += answered
            cpuSpan += now - lastTime
        }
        let before = LoadSeries.counts(last, plan.kinds.count)
        let interval = LoadInterval(
            end: Double(now - clock.start) / 1e9,
            length: seconds,
            isWarmup: isWarmup,
            sent: delta(\.sent),
            answered: answered,
            rate: Double(answered) / seconds,
            p50: series.percentile(50),
            p99: series.percentile(99),
            max: series.max,
            outcomes: LoadSeries.counts(snapshots, plan.kinds.count)
                .merging(before) { $0 - $1 }
                .filter { $0.value > 0 },
            waiting: snapshots.reduce(0) { $0 + $1.waiting },
            inFlight: snapshots.reduce(0) { $0 + $1.inFlight },
            generatorBusy: Double(cpu) / Double(now - lastTime) / Double(snapshots.count),
            gauges: gauges
        )
        intervals.append(interval)
        last = snapshots
        lastTime = now
        return interval
    }

    /// - Parameter endedAt: the time when the last request had ended.
    func result(_ recordings: [WorkerRecording], endedAt: UInt64) -> LoadResult {
        // A run that was stopped, or had no requests left, ends with its last answer.
        let lastAnswer = last.map(\.lastAnswer).max() ?? 0
        let end = endedAt < clock.end ? max(lastAnswer, clock.measured + 1) : clock.end
        let seconds = Double(end - min(clock.measured, end - 1)) / 1e9
        let answers = last.reduce(0) { $0 + $1.answeredInTime }
        var targetRate: Double?
        switch plan.pace {
        case .open(let rate, _): targetRate = rate
        case .closed: break
        }
        let kinds = plan.kinds.indices.map { kind in
            KindResult(
                name: plan.kinds[kind].name,
                outcomes: outcomes(kind) { $0.measured },
                wholeRun: outcomes(kind) { $0.all },
                latency: LatencySummary(LoadSeries.sum(recordings.map { $0.latencies[kind] }))
            )
        }
        return LoadResult(
            targetRate: targetRate,
            rate: Double(answers) / seconds,
            seconds: seconds,
            warmup: plan.warmup.seconds,
            latency: LatencySummary(LoadSeries.sum(recordings.flatMap(\.latencies))),
            kinds: kinds,
            notSent: last.reduce(0) { $0 + $1.notSent },
            connectionsLost: last.reduce(0) { $0 + $1.lost },
            connectFailures: last.reduce(0) { $0 + $1.connectFailures },
            generator: LoadResult.Generator(
                cpuPerRequest: cpuAnswers > 0 ? Double(cpuNanoseconds) / Double(cpuAnswers) / 1e3 : nil,
                busy: cpuSpan > 0 ? Double(cpuNanoseconds) / Double(cpuSpan) / Double(last.count) : 0,
                lateness: LatencySummary(LoadSeries.sum(recordings.map(\.lateness)))
            ),
            gaugesBefore: gaugesBefore,
            series: intervals
        )
    }

    private func outcomes(_ kind: Int, _ counts: (WorkerSnapshot) -> Recorder.Counts) -> [OutcomeCount] {
        let expected = plan.kinds[kind].expected
        return OutcomeCount.sum(
            last.map { snapshot in
                snapshot.outcomes.indices.compactMap { index in
                    let count = counts(snapshot).count(kind: kind, outcome: index)
                    guard count > 0 else { return nil }
                    let outcome = snapshot.outcomes[index]
                    return OutcomeCount(outcome: outcome, count: count, isExpected: expected.contains(outcome.name))
                }
            }
        )
    }

    private static func sum(_ all: [Latencies]) -> Latencies {
        all.reduce(into: Latencies()) { $0.add($1) }
    }

    /// Counts of all kinds, by the outcome's name.
    private static func counts(_ snapshots: [WorkerSnapshot], _ kinds: Int) -> [String: Int] {
        var counts: [String: Int] = [:]
        for snapshot in snapshots {
            for (index, outcome) in snapshot.outcomes.enumerated() {
                for kind in 0..<kinds {
                    let count = snapshot.all.count(kind: kind, outcome: index)
                    if count > 0 { counts[outcome.name, default: 0] += count }
                }
            }
        }
        return counts
    }
}
