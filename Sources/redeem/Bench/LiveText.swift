internal import LoadGenerator
internal import Terminal

/// The text that a run shows while it goes on. No I/O.
struct LiveText: Sendable {
    /// The options of the run.
    let settings: BenchSettings
    private var last: LoadInterval?
    private var outcomes: [String: Int] = [:]

    init(settings: BenchSettings) { self.settings = settings }

    mutating func add(_ interval: LoadInterval) {
        last = interval
        outcomes.merge(interval.outcomes, uniquingKeysWith: +)
    }

    private var total: Double { (settings.warmup + settings.duration).seconds }

    private var target: String {
        switch settings.pace {
        case .open(let rate, _): " of \(Measure.rate(rate))"
        case .closed: ""
        }
    }

    /// The outcomes, the most frequent first.
    private var outcomeTexts: [String] {
        outcomes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(Measure.count($0.value))" }
    }

    private func gauge(_ gauge: Gauge) -> Double? { last?.gauges[gauge.rawValue] }

    /// The lines for a terminal of this width.
    func block(width: Int) -> [String] {
        guard let last else { return [] }
        var lines = [
            "\(last.isWarmup ? "warm-up  " : "measuring") "
                + "\(ProgressBar.bar(last.end / total)) \(Int(last.end)) of \(Int(total)) s",
            "rate      \(Measure.rate(last.rate))\(target) a second; \(last.waiting) wait, \(last.inFlight) under way",
            "latency   p50 \(Measure.milliseconds(last.p50)), p99 \(Measure.milliseconds(last.p99)),"
                + " max \(Measure.milliseconds(last.max))",
            "outcomes  " + outcomeTexts.joined(separator: ", "),
        ]
        let gauges = gaugeTexts
        if !gauges.isEmpty { lines.append("target    " + gauges.joined(separator: ", ")) }
        return lines.map { $0.count <= width ? $0 : String($0.prefix(max(0, width - 1))) + "…" }
    }

    /// The one line for a log.
    var line: String {
        guard let last else { return "" }
        let parts =
            [
                "\(Int(last.end.rounded())) s\(last.isWarmup ? " (warm-up)" : "")", "\(Measure.rate(last.rate))\(target)/s",
                "p50 \(Measure.milliseconds(last.p50))", "p99 \(Measure.milliseconds(last.p99))",
            ] + (last.waiting > 0 ? ["\(last.waiting) wait"] : []) + gaugeTexts + outcomeTexts
        return parts.joined(separator: "  ")
    }

    private var gaugeTexts: [String] {
        [
            gauge(.left).map { "left \(Measure.count($0))" }, gauge(.outbox).map { "outbox \(Measure.count($0))" },
            gauge(.lag).map { "lag \(Measure.seconds($0))" },
        ].compactMap { $0 }
    }
}
