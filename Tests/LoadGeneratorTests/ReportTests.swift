import Foundation
import Testing

@testable import LoadGenerator

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct ReportTests {
    @Test func anAxisEndsAtARoundNumberAboveAllValues() {
        #expect(Axis.fromZero(to: 6120).ticks.map(\.label) == ["0", "2000", "4000", "6000", "8000"])
        #expect(Axis.fromZero(to: 20_400).ticks.map(\.label) == ["0", "5k", "10k", "15k", "20k", "25k"])
        #expect(Axis.fromZero(to: 0).ticks.count >= 2)
        #expect(Axis.fromZero(to: 0.013).range.upperBound >= 0.013)
        #expect(Axis.exactly(to: 23).ticks.map(\.label) == ["0", "5", "10", "15", "20"])
        #expect(Axis.decades(0.4, 230).ticks.map(\.label) == ["0.1", "1", "10", "100", "1,000"])
        #expect(Axis.decades(200, 5_000).ticks.map(\.label) == ["100", "1,000", "10,000"])
        #expect(Axis.decades(5, 5).ticks.map(\.label) == ["1", "10"])
    }

    @Test func figuresHaveNoExponentAndNoEmptyDigits() {
        #expect(
            [0, 0.5, 12, 8000, 18_100.3, 637_702, 0.0085, 1.23456, 100].map(\.short) == [
                "0", "0.5", "12", "8000", "18100", "637702", "0.0085", "1.235", "100",
            ]
        )
    }

    @Test func placesAreWhereTheScaleSays() {
        let linear = Axis.fromZero(to: 100)
        #expect(linear.place(0) == 0)
        #expect(linear.place(50) == 0.5)
        let decades = Axis.decades(1, 1000)
        #expect(abs(decades.place(10) - 1.0 / 3) < 1e-9)
        #expect(decades.place(0.01) == 0)
        let percentiles = Axis.percentiles(upTo: 1000)
        #expect(percentiles.ticks.map(\.label) == ["0 %", "90 %", "99 %", "99.9 %"])
        // 90 per cent: a tenth is left.
        #expect(abs(percentiles.place(1 / (1 - 0.9)) - 1.0 / 3) < 1e-9)
    }

    @Test func aLineIsInterruptedWhereThereIsNoValue() {
        var plot = Plot(description: "d", x: .exactly(to: 10), y: .fromZero(to: 10), xTitle: "x")
        plot.lines = [Plot.Line(name: "a", colour: "c1", points: [(0, 1), (1, 2), (2, nil), (3, 4), (4, 5)])]
        let path = plot.svg.split(separator: "<").first { $0.hasPrefix("path") } ?? ""
        #expect(path.count(where: { $0 == "M" }) == 2)
        #expect(path.count(where: { $0 == "L" }) == 2)
    }

    @Test func namesThatWouldOverlapAreMovedApart() throws {
        var plot = Plot(description: "d", x: .exactly(to: 10), y: .fromZero(to: 10), xTitle: "x")
        plot.lines = ["a", "b", "c"].map { Plot.Line(name: $0, colour: "c1", points: [(0, 0.1), (10, 0.1)]) }
        let places = try plot.svg.split(separator: "<").filter { $0.hasPrefix("text class=\"label") }.map { label in
            let rest = try #require(label.range(of: "y=\"")).upperBound
            return try #require(Double(label[rest...].prefix { $0 != "\"" }))
        }
        #expect(places.count == 3)
        for (above, below) in zip(places, places.dropFirst()) { #expect(below - above >= 15) }
        #expect(try #require(places.last) < plot.height)
    }

    private func page(outcome: String = "sold_out") -> ReportPage {
        var latencies = Latencies()
        for index in 1...5000 { latencies.record(UInt64(index) * 10_000) }
        let summary = LatencySummary(latencies)
        let outcomes = [
            OutcomeCount(outcome: Outcome(name: "201", status: 201), count: 3000, isExpected: true),
            OutcomeCount(outcome: Outcome(name: outcome, status: 409), count: 1500, isExpected: true),
            OutcomeCount(outcome: Outcome(name: "timeout", status: nil), count: 500, isExpected: false),
        ]
        let series = (1...30).map { second in
            LoadInterval.sample(
                end: Double(second),
                isWarmup: second <= 5,
                outcomes: ["201": 60, outcome: 30, "timeout": 10],
                gauges: ["left": Double(3000 - 100 * second), "outbox": 7, "lag": 0.02]
            )
        }
        let result = LoadResult(
            targetRate: 100,
            rate: 100,
            seconds: 25,
            warmup: 5,
            latency: summary,
            kinds: [
                KindResult(name: "redeem", outcomes: outcomes, wholeRun: outcomes, latency: summary),
                KindResult(name: "browse", outcomes: [], wholeRun: [], latency: nil),
            ],
            notSent: 0,
            connectionsLost: 0,
            connectFailures: 0,
            generator: LoadResult.Generator(cpuPerRequest: 5.5, busy: 0.1, lateness: summary),
            gaugesBefore: ["left": 3000, "outbox": 0, "lag": 0],
            series: series
        )
        return ReportPage(
            title: "storm <of> \"users\" & more",
            subtitle: "100 a second",
            result: result,
            unknown: 500,
            checks: [
                ReportPage.Check(promise: "no user twice", holds: true, detail: "0"),
                ReportPage.Check(promise: "rows = successes", holds: nil, detail: "not known"),
            ],
            notes: ["a note"],
            processors: [("serve", 20.5)],
            facts: [("machine", "a <machine>")],
            footer: "redeem"
        )
    }

    /// Well-formed XML but for the two tags without an end, so that every browser reads it the same.
    @Test func thePageIsWellFormedAndNeedsNothingElse() throws {
        let html = page(outcome: "<b>&\"x\"").html
        let xml = html.replacing("<!doctype html>", with: "").replacing(/<meta ([^>]*)>/) { "<meta \($0.1)/>" }
        let parser = XMLParser(data: Data(xml.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError)) at line \(parser.lineNumber)")
        for text in ["<script", "src=", "href=", "url(", "@import", "http:", "https:", "nan", "inf"] {
            #expect(!html.lowercased().contains(text), "\(text)")
        }
        #expect(html.contains("storm &lt;of&gt; &quot;users&quot; &amp; more"))
        #expect(html.contains("&lt;b&gt;&amp;"))
    }

    @Test func thePageHasAllPlotsAndSaysWhetherPromisesWereKept() {
        var page = page()
        for title in [
            "Throughput", "Latency over time", "Latency by percentile", "Outcomes", "Stock", "Sync lag", "Outbox", "Promises",
            "Kinds of request",
        ] { #expect(page.html.contains("<h2>\(title)</h2>"), "\(title)") }
        #expect(page.html.contains("✓ 1 promises kept, 1 not checked"))
        page.checks.append(ReportPage.Check(promise: "p", holds: false, detail: "d"))
        #expect(page.html.contains("✗ 1 of 3 promises broken"))
    }

    @Test func aRunWithoutAnswersHasAPageToo() {
        let result = LoadResult(
            targetRate: nil,
            rate: 0,
            seconds: 1,
            warmup: 0,
            latency: nil,
            kinds: [KindResult(name: "redeem", outcomes: [], wholeRun: [], latency: nil)],
            notSent: 5,
            connectionsLost: 0,
            connectFailures: 0,
            generator: LoadResult.Generator(cpuPerRequest: nil, busy: 0, lateness: nil),
            gaugesBefore: [:],
            series: []
        )
        var page = page()
        page.result = result
        #expect(page.html.contains("Throughput"))
        #expect(!page.html.lowercased().contains("nan"))
    }

    @Test func anOutcomeOfTheWarmUpAloneIsListedToo() {
        let before = [OutcomeCount(outcome: Outcome(name: "early", status: 201), count: 77, isExpected: true)]
        var page = page()
        let kind = page.result.kinds[0]
        let kinds = [
            KindResult(name: "redeem", outcomes: kind.outcomes, wholeRun: kind.wholeRun + before, latency: kind.latency)
        ]
        page.result = LoadResult(
            targetRate: 100,
            rate: 100,
            seconds: 25,
            warmup: 5,
            latency: nil,
            kinds: kinds,
            notSent: 0,
            connectionsLost: 0,
            connectFailures: 0,
            generator: page.result.generator,
            gaugesBefore: [:],
            series: page.result.series
        )
        let row = page.html.split(separator: "<tr>").first { $0.contains("early</td>") } ?? ""
        #expect(row.contains(">0</td>") && row.contains(">77</td>"))
    }

    @Test func unexpectedOutcomesLookDifferent() {
        let colours = OutcomeColours(page().result)
        #expect(colours.names == ["201", "sold_out", "timeout"])
        #expect(colours["201"] == "c2")
        #expect(colours["sold_out"] == "c1")
        #expect(colours["timeout"] == "c4")
    }
}
