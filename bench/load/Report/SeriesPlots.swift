/// The plots of a run over time.
struct SeriesPlots {
    /// The most points of a plot: more could not be told apart on its width. Intervals of a long run are merged.
    private static let points = 240
    /// How many outcomes are drawn separately. The rarest are drawn as one.
    private static let outcomes = 5

    private let result: LoadResult
    private let groups: [[LoadInterval]]
    private let x: Axis
    private let warmup: Double
    private let nameLength: Int

    init(_ result: LoadResult) {
        self.result = result
        nameLength = SeriesPlots.nameLength(result)
        let size = max(1, (result.series.count + SeriesPlots.points - 1) / SeriesPlots.points)
        let length = result.series.prefix(size).reduce(0) { $0 + $1.length }
        var groups = stride(from: 0, to: result.series.count, by: size).map {
            Array(result.series[$0..<min($0 + size, result.series.count)])
        }
        // The last interval may be a moment only, in which hardly anything ended.
        if groups.count > 2, let last = groups.last,
            (last.last?.end ?? 0) - (groups[groups.count - 2].last?.end ?? 0) < length / 2
        {
            groups.removeLast()
            groups[groups.count - 1] += last
        }
        self.groups = groups
        x = Axis.exactly(to: max(result.series.last?.end ?? 1, 0.001))
        warmup = result.warmup
    }

    private func plot(_ description: String, y: Axis, height: Double = 240, hint: ([LoadInterval]) -> String) -> Plot {
        Plot(
            description: description,
            x: x,
            y: y,
            xTitle: "seconds from the begin of the run",
            hints: groups.map { Plot.Hint(from: begin($0), to: end($0), text: "\(end($0).short) s: \(hint($0))") },
            warmup: warmup,
            height: height,
            nameLength: nameLength
        )
    }

    /// The length of the names in the plots, outcomes and kinds of request, as far as that leaves room for the plot.
    private static func nameLength(_ result: LoadResult) -> Int {
        let names = OutcomeColours(result).names.prefix(outcomes) + result.kinds.map(\.name)
        return min(20, max(10, names.map(\.count).max() ?? 0))
    }

    private func begin(_ group: [LoadInterval]) -> Double { group.first.map { $0.end - $0.length } ?? 0 }
    private func end(_ group: [LoadInterval]) -> Double { group.last?.end ?? 0 }
    private func middle(_ group: [LoadInterval]) -> Double { (begin(group) + end(group)) / 2 }
    private func rate(_ group: [LoadInterval]) -> Double {
        Double(group.reduce(0) { $0 + $1.answered }) / max(1e-9, end(group) - begin(group))
    }

    var throughput: Plot {
        let greatest = max(groups.map(rate).max() ?? 0, result.targetRate ?? 0)
        var plot = plot("answers a second over time", y: .fromZero(to: greatest * 1.02)) { "\(rate($0).short) answers a second" }
        if let target = result.targetRate {
            let end = result.series.last?.end ?? 0
            plot.lines.append(
                Plot.Line(name: "asked for", colour: "muted", style: .reference, points: [(0, target), (end, target)])
            )
        }
        plot.lines.append(Plot.Line(name: "answered", colour: "c1", points: groups.map { (middle($0), rate($0)) }))
        return plot
    }

    var latency: Plot? {
        let least = result.series.compactMap(\.p50).filter { $0 > 0 }.min()
        guard let least, let greatest = result.series.compactMap(\.max).max() else { return nil }
        func line(_ name: String, _ colour: String, _ style: Plot.Style, _ value: (LoadInterval) -> Double?) -> Plot.Line {
            // Of several merged intervals the worst counts, because an average of percentiles means nothing.
            Plot.Line(name: name, colour: colour, style: style, points: groups.map { (middle($0), $0.compactMap(value).max()) })
        }
        var plot = plot("latency over time", y: .decades(least, greatest)) { group in
            func text(_ value: (LoadInterval) -> Double?) -> String { group.compactMap(value).max()?.formatted(digits: 3) ?? "-" }
            return "p50 \(text(\.p50)) ms, p99 \(text(\.p99)) ms, max \(text(\.max)) ms"
        }
        plot.lines = [
            line("max", "muted", .thin, \.max), line("p99", "c4", .line, \.p99), line("p50", "c1", .line, \.p50),
        ]
        return plot
    }

    /// Answers a second by outcome, stacked, with the most frequent at the bottom.
    func outcomes(_ colours: OutcomeColours) -> Plot {
        func count(_ name: String, _ group: [LoadInterval]) -> Double {
            Double(group.reduce(0) { $0 + ($1.outcomes[name] ?? 0) }) / max(1e-9, end(group) - begin(group))
        }
        let names = colours.names.prefix(SeriesPlots.outcomes)
        let others = colours.names.dropFirst(SeriesPlots.outcomes)
        var stacks: [(name: String, colour: String, heights: [Double])] = names.map { name in
            (name, colours[name], groups.map { count(name, $0) })
        }
        if !others.isEmpty {
            stacks.append(("others", "muted", groups.map { group in others.reduce(0) { $0 + count($1, group) } }))
        }
        var floor = groups.map { _ in 0.0 }
        let sums = groups.indices.map { index in stacks.reduce(0) { $0 + $1.heights[index] } }
        var plot = plot("answers a second by outcome over time", y: .fromZero(to: (sums.max() ?? 0) * 1.02)) { group in
            colours.names.map { "\($0) \(count($0, group).short)/s" }.joined(separator: ", ")
        }
        for stack in stacks {
            let top = zip(floor, stack.heights).map { $0 + $1 }
            let points = groups.indices.map { (x: middle(groups[$0]), low: floor[$0], high: top[$0]) }
            plot.areas.append(Plot.Area(name: stack.name, colour: stack.colour, points: points))
            floor = top
        }
        return plot
    }

    /// A gauge of the target; `nil` if the target did not tell it.
    func gauge(_ gauge: Gauge, _ name: String, colour: String, scale: Double = 1, unit: String = "") -> Plot? {
        let first = (x: 0.0, y: result.gaugesBefore[gauge.rawValue].map { $0 * scale })
        let points = [first] + groups.map { (x: end($0), y: $0.last?.gauges[gauge.rawValue].map { $0 * scale }) }
        guard let greatest = points.compactMap(\.y).max() else { return nil }
        var plot = plot("\(name) over time", y: .fromZero(to: max(greatest * 1.02, 1)), height: 200) { group in
            let value = group.compactMap { $0.gauges[gauge.rawValue] }.last
            return value.map { "\(name) \(($0 * scale).short)\(unit)" } ?? "-"
        }
        plot.lines = [Plot.Line(name: name, colour: colour, points: points)]
        return plot
    }

    /// Latency by percentile, for each kind of request.
    static func percentiles(_ result: LoadResult) -> Plot? {
        guard let latency = result.latency else { return nil }
        var curves: [(name: String, colour: String, summary: LatencySummary)] = []
        let colours = ["c1", "c4", "c2", "c5", "c3"]
        if result.kinds.count > 1 {
            for (index, kind) in result.kinds.enumerated() {
                if let summary = kind.latency { curves.append((kind.name, colours[index % colours.count], summary)) }
            }
        } else {
            curves = [(result.kinds.first?.name ?? "all", "c1", latency)]
        }
        let x = Axis.percentiles(upTo: latency.count)
        var plot = Plot(
            description: "latency by percentile",
            x: x,
            y: .fromZero(to: (curves.map(\.summary.max).max() ?? latency.max) * 1.02),
            xTitle: "per cent of requests that were no slower",
            nameLength: nameLength(result)
        )
        for curve in curves {
            var points: [(x: Double, y: Double?)] = curve.summary.curve.map {
                (1 / (1 - min($0.percentile, 99.999_999_9) / 100), $0.milliseconds)
            }
            // The greatest latency has no place on this axis. The curve ends where at most one request was slower.
            points[points.count - 1] = (Double(max(curve.summary.count, 2)), curve.summary.max)
            plot.lines.append(
                Plot.Line(name: curve.name, colour: curve.colour, points: points.filter { $0.x <= x.range.upperBound * 1.0001 })
            )
        }
        return plot
    }
}

/// A colour for each outcome: green for success, red for unexpected ones, blue for the others. Readers who cannot tell red from
/// green can tell these apart (Okabe and Ito's palette).
struct OutcomeColours {
    /// The outcomes, the most frequent first.
    let names: [String]
    private let colours: [String: String]

    init(_ result: LoadResult) {
        let counts = OutcomeCount.sum(result.kinds.map(\.wholeRun))
        var names: [String] = []
        for count in counts where !names.contains(count.outcome.name) { names.append(count.outcome.name) }
        var colours: [String: String] = [:]
        var expected = ["c1", "c3", "c6"].makeIterator()
        var unexpected = ["c4", "c5"].makeIterator()
        for name in names {
            let mine = counts.filter { $0.outcome.name == name }
            if mine.contains(where: { !$0.isExpected }) {
                colours[name] = unexpected.next() ?? "c4"
            } else if mine.allSatisfy({ (200..<300).contains($0.outcome.status ?? 0) }), !colours.values.contains("c2") {
                colours[name] = "c2"
            } else {
                colours[name] = expected.next() ?? "muted"
            }
        }
        self.names = names
        self.colours = colours
    }

    subscript(name: String) -> String { colours[name] ?? "muted" }
}
