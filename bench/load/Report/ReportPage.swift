internal import Foundation

/// A run as a page of HTML that is complete by itself: no script, no font, no other file.
public struct ReportPage: Sendable {
    /// A promise and whether it was kept.
    public struct Check: Sendable {
        public let promise: String
        /// `nil` if it could not be checked.
        public let holds: Bool?
        public let detail: String

        public init(promise: String, holds: Bool?, detail: String) {
            self.promise = promise
            self.holds = holds
            self.detail = detail
        }
    }

    /// A name and its value.
    public typealias Fact = (name: String, text: String)

    public var title: String
    /// One line about how the load was made.
    public var subtitle: String
    public var result: LoadResult
    /// Requests with an unknown outcome.
    public var unknown: Int
    public var checks: [Check]
    /// Remarks that a reader should know before believing the figures.
    public var notes: [String]
    /// Processor time for each request in microseconds, by process.
    public var processors: [(name: String, microseconds: Double)]
    public var facts: [Fact]
    /// The program that made the page, and the time.
    public var footer: String

    public init(
        title: String,
        subtitle: String,
        result: LoadResult,
        unknown: Int,
        checks: [Check],
        notes: [String],
        processors: [(name: String, microseconds: Double)],
        facts: [Fact],
        footer: String
    ) {
        self.title = title
        self.subtitle = subtitle
        self.result = result
        self.unknown = unknown
        self.checks = checks
        self.notes = notes
        self.processors = processors
        self.facts = facts
        self.footer = footer
    }

    public var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title.escaped)</title>
        <style>
        \(ReportStyle.text)
        </style>
        </head>
        <body>
        <main>
        <h1>\(title.escaped)</h1>
        <p class="sub">\(subtitle.escaped)</p>
        \(verdict)
        \(noteList)
        \(tiles)
        \(plots.joined(separator: "\n"))
        \(tables.joined(separator: "\n"))
        \(seriesTable)
        <footer><p>\(footer.escaped)</p></footer>
        </main>
        </body>
        </html>

        """
    }

    private var verdict: String {
        let broken = checks.count { $0.holds == false }
        let open = checks.count { $0.holds == nil }
        guard broken == 0 else {
            return "<p class=\"verdict bad\">✗ \(broken) of \(checks.count) promises broken</p>"
        }
        let unchecked = open > 0 ? ", \(open) not checked" : ""
        return "<p class=\"verdict good\">✓ \(checks.count - open) promises kept\(unchecked)</p>"
    }

    private var noteList: String {
        notes.isEmpty ? "" : "<ul class=\"notes\">\(notes.map { "<li>\($0.escaped)</li>" }.joined())</ul>"
    }

    private var tiles: String {
        let latency = result.latency
        let target = result.targetRate.map { "a second, of \(ReportPage.rate($0))" } ?? "answers a second"
        let tiles: [(String, String)] = [
            (ReportPage.rate(result.rate), target), (ReportPage.time(latency?.p50), "p50"),
            (ReportPage.time(latency?.p99), "p99"), (ReportPage.time(latency?.p999), "p99.9"),
            (ReportPage.time(latency?.max), "max"), (Double(result.errors).grouped, "errors"),
            (Double(unknown).grouped, "unknown outcomes"),
        ]
        return "<div class=\"tiles\">"
            + tiles.map { "<div class=\"tile\"><b>\($0.0.escaped)</b><span>\($0.1.escaped)</span></div>" }.joined() + "</div>"
    }

    private var plots: [String] {
        let series = SeriesPlots(result)
        let colours = OutcomeColours(result)
        var plots = [figure("Throughput", "answers a second", series.throughput)]
        if let plot = series.latency {
            plots.append(
                figure("Latency over time", "milliseconds on a logarithmic scale, from the intended start of a request", plot)
            )
        }
        if let plot = SeriesPlots.percentiles(result) {
            plots.append(
                figure("Latency by percentile", "milliseconds; each step to the right leaves a tenth of the requests", plot)
            )
        }
        plots.append(figure("Outcomes", "answers a second, one upon the other", series.outcomes(colours)))
        plots.append(outcomeTable(colours))
        if let plot = series.gauge(.left, "left", colour: "c2") { plots.append(figure("Stock", "left of the coupon", plot)) }
        if let plot = series.gauge(.lag, "lag", colour: "c4", scale: 1000, unit: " ms") {
            plots.append(figure("Sync lag", "milliseconds: age of the oldest decision that is not settled in Postgres", plot))
        }
        if let plot = series.gauge(.outbox, "outbox", colour: "c1") {
            plots.append(figure("Outbox", "entries decided in Redis and not settled in Postgres", plot))
        }
        return plots
    }

    private func figure(_ title: String, _ unit: String, _ plot: Plot) -> String {
        "<figure><h2>\(title.escaped)</h2><p class=\"sub\">\(unit.escaped)</p>\n\(plot.svg)</figure>"
    }

    private func outcomeTable(_ colours: OutcomeColours) -> String {
        let total = Double(max(1, result.requests))
        let measured = result.outcomes
        let rows = OutcomeCount.sum(result.kinds.map(\.wholeRun)).map { whole in
            let outcome = whole.outcome
            let count = measured.first { $0.outcome == outcome && $0.isExpected == whole.isExpected }?.count ?? 0
            return "<tr><td><span class=\"swatch \(colours[outcome.name])\"></span>\(outcome.name.escaped)</td>"
                + "<td>\(outcome.status.map { String($0) } ?? "no answer")</td><td class=\"n\">\(Double(count).grouped)</td>"
                + "<td class=\"n\">\((100 * Double(count) / total).formatted(digits: 3)) %</td>"
                + "<td class=\"n\">\(Double(whole.count - count).grouped)</td>"
                + "<td>\(whole.isExpected ? "" : "<span class=\"bad\">not expected</span>")</td></tr>"
        }
        return "<table><tr><th>outcome</th><th>status</th><th class=\"n\">requests</th><th class=\"n\">share</th>"
            + "<th class=\"n\">in the warm-up</th><th></th></tr>\(rows.joined())</table>"
    }

    private var tables: [String] {
        var tables: [String] = []
        if result.kinds.count > 1 { tables.append("<h2>Kinds of request</h2>\(kindTable)") }
        let checkRows = checks.map { check in
            let state =
                check.holds.map { $0 ? "<span class=\"good\">✓ holds</span>" : "<span class=\"bad\">✗ broken</span>" } ?? "–"
            return
                "<tr><td class=\"s\">\(state)</td><td>\(check.promise.escaped)</td><td class=\"sub\">\(check.detail.escaped)</td></tr>"
        }
        tables.append("<h2>Promises</h2><table><tr><th></th><th>promise</th><th>found</th></tr>\(checkRows.joined())</table>")
        let rows = processorFacts + facts
        let factRows = rows.map { "<tr><td>\($0.name.escaped)</td><td>\($0.text.escaped)</td></tr>" }
        tables.append("<h2>The run</h2><table>\(factRows.joined())</table>")
        return tables
    }

    private var processorFacts: [Fact] {
        let generator = result.generator
        let late = generator.lateness.map { "; its wake-ups were late by p99 \(ReportPage.time($0.p99))" } ?? ""
        let own = generator.cpuPerRequest.map { "\($0.formatted(digits: 3)) µs of a processor a request, " } ?? ""
        let others = processors.map { "\($0.name) \($0.microseconds.formatted(digits: 3)) µs" }.joined(separator: ", ")
        return [("generator", "\(own)\((100 * generator.busy).formatted(digits: 3)) % busy\(late)")]
            + (processors.isEmpty ? [] : [("target's processors", others + " a request")])
    }

    private var kindTable: String {
        let rows = result.kinds.map { kind in
            let latency = kind.latency
            let cells = [latency?.p50, latency?.p90, latency?.p99, latency?.p999, latency?.max].map {
                "<td class=\"n\">\(ReportPage.time($0))</td>"
            }
            return
                "<tr><td>\(kind.name.escaped)</td><td class=\"n\">\(Double(latency?.count ?? 0).grouped)</td>\(cells.joined())</tr>"
        }
        return "<table><tr><th>kind</th><th class=\"n\">requests</th><th class=\"n\">p50</th><th class=\"n\">p90</th>"
            + "<th class=\"n\">p99</th><th class=\"n\">p99.9</th><th class=\"n\">max</th></tr>\(rows.joined())</table>"
    }

    /// The figures behind the plots.
    private var seriesTable: String {
        let rows = result.series.map { entry in
            let gauges = Gauge.allCases.map { "<td class=\"n\">\(entry.gauges[$0.rawValue].map(ReportPage.rate) ?? "–")</td>" }
            let times = [entry.p50, entry.p99, entry.max].map { "<td class=\"n\">\($0?.formatted(digits: 3) ?? "–")</td>" }
            return "<tr><td class=\"n\">\(entry.end.formatted(digits: 4))</td><td class=\"n\">\(ReportPage.rate(entry.rate))</td>"
                + times.joined() + "<td class=\"n\">\(entry.waiting)</td>\(gauges.joined())</tr>"
        }
        let heads = ["s", "answers/s", "p50 ms", "p99 ms", "max ms", "waiting", "left", "outbox", "lag s"]
        return "<details><summary>The figures behind the plots</summary><div class=\"scroll\"><table><tr>"
            + heads.map { "<th class=\"n\">\($0)</th>" }.joined() + "</tr>\(rows.joined())</table></div></details>"
    }

    private static func rate(_ rate: Double) -> String { rate < 100 ? rate.short : rate.grouped }

    static func time(_ milliseconds: Double?) -> String {
        guard let milliseconds else { return "–" }
        return milliseconds < 1000 ? "\(milliseconds.formatted(digits: 3)) ms" : "\((milliseconds / 1000).formatted(digits: 3)) s"
    }
}

extension Double {
    /// A whole number with its thousands set apart.
    var grouped: String {
        var digits = String(Int(Swift.min(magnitude.rounded(), 1e15)))
        var parts: [String] = []
        while digits.count > 3 {
            parts.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (self < 0 ? "-" : "") + ([digits] + parts).joined(separator: ",")
    }
}
