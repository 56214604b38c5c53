import Domain
import Foundation
import NIOHTTP1
import RedisClient
import Telemetry
import TestSupport
import Testing

/// What servers and workers tell Prometheus is what `Metric` says, all of it, from the start.
@Suite struct MetricsTests {
    /// Where `promtool` is; `.ci/run` sets it.
    private static let promtool = ProcessInfo.processInfo.environment["REDEEM_PROMTOOL"]

    /// What `/livez` answers.
    private static let live = #"{"status":"live","version":"\#(Version.current)"}"#

    @Test func bothProcessesTellWhatIsListedAndPrometheusTakesIt() async throws {
        try await Product.with { product in
            let sync = try await product.sync()
            _ = try await sync.process.logged("the shard is open")
            let (_, _, operations) = try await product.serve()
            for (url, origin) in [(operations, Metric.Origin.server), (sync.operations, .worker)] {
                let (text, live) = try await API.with(url) { api in
                    (try await api.send(.GET, "/metrics").body, try await api.send(.GET, "/livez").body)
                }
                #expect(text.contains("\nredeem_build_info{version=\"\(Version.current)\"} 1\n"), "of a \(origin)")
                #expect(live == MetricsTests.live, "of a \(origin)")
                let told = Family.all(in: text)
                let listed = Metric.allCases.filter { $0.origin == origin || $0.origin == .both }.map(Family.init)
                for family in listed {
                    #expect(Set(told).contains(family), "not so from a \(origin): \(family)")
                }
                #expect(told.count == listed.count, "from a \(origin): \(Set(told).subtracting(listed))")
                if let promtool = MetricsTests.promtool {
                    let file = "\(product.folder)/\(origin).prom"
                    try text.write(toFile: file, atomically: true, encoding: .utf8)
                    let said = await shell("'\(promtool)' check metrics <'\(file)' && echo fine")
                    #expect(said == "fine\n", "\(origin): \(said)")
                }
            }
        }
    }

    /// `.ci/run` has promtool judge the cases; this asks that there are some of each alert.
    @Test func eachAlertHasACaseThatFiresAndOneThatDoesNot() throws {
        func text(_ name: String) throws -> String {
            try String(contentsOf: Repository.file("deploy/prometheus/\(name)"), encoding: .utf8)
        }
        let alerts = try text("alerts.yml").matches(of: /- alert: (\w+)/).map { String($0.output.1) }
        let cases = try text("alerts.test.yml").components(separatedBy: "\n      - ").compactMap { lines in
            lines.firstMatch(of: /alertname: (\w+)/).map { (name: String($0.output.1), fires: lines.contains("exp_alerts:")) }
        }
        #expect(alerts.count > 10 && cases.count >= 2 * alerts.count)
        for alert in alerts {
            #expect(cases.contains { $0.name == alert && $0.fires }, "no case in which \(alert) fires")
            #expect(cases.contains { $0.name == alert && !$0.fires }, "no case in which \(alert) does not fire")
        }
        #expect(Set(cases.map(\.name)) == Set(alerts))
    }

    /// What operators have alarms for, and what stands in the log beside it.
    @Test func whatAlarmsIsCounted() async throws {
        try await Product.with { product in
            let (sync, url) = try await product.sync()
            _ = try await sync.logged("the shard is open")
            try await API.with(url) { worker in
                func until(_ metric: Metric, _ more: String = "", is value: Double) async throws {
                    let series = "\(metric.name){shard=\"s0\"\(more)}"
                    try await TestSupport.until("\(series) is \(value)") { try await worker.metric(series) == value }
                }
                try await product.inRedis { redis in
                    _ = try await redis.send(["XADD", "{s0}:outbox", "MAXLEN", "0", "*", "a", "b"])
                    try await until(.outboxMissing, is: 1)
                    _ = try await redis.send(["ACL", "SETUSER", "default", "-xtrim"])
                    try await until(.replayRefused, is: 1)
                    _ = try await redis.send(["ACL", "SETUSER", "default", "+@all"])
                    try await until(.replayRefused, is: 0)
                }
                let row = #"(1, E'one\n2030-01-01T00:00:00+0000 info redeem: two\x1b[2J', '{}', '')"#
                try await run(
                    """
                    alter table control_log drop constraint control_log_kind;
                    insert into control_log (seq, kind, payload, actor) values \(row)
                    """,
                    at: product.database
                )
                try await until(.controlUnreadable, is: 1)
                try await until(.shardRebuilds, #",reason="control_unreadable""#, is: 1)
                // A rebuild begins to count again.
                try await until(.outboxMissing, is: 0)
            }
            #expect(await sync.stop() == 0)
            // What a row says is told in the line of its entry, and a terminal has nothing to obey.
            let told = sync.output.split(separator: "\n").filter { $0.contains("2030-01-01") }
            #expect(told.count == 1 && told.allSatisfy { $0.contains(#"one\u{A}2030"#) && $0.contains(#"\u{1B}[2J"#) }, "\(told)")
        }
    }

    @Test func theDocumentsNameTheMetricsThatThereAre() throws {
        func text(_ name: String) throws -> String {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
        }
        let api = try text("docs/API.md")
        #expect(api.contains("\n\(MetricsTests.live)\n"), "docs/API.md tells another version, or none")
        #expect(
            try text("Dockerfile").contains("\nARG VERSION=\(Version.current)\n"),
            "the image is labelled with another version"
        )
        for metric in Metric.allCases { #expect(api.contains("`\(metric.name)`"), "docs/API.md lacks \(metric.name)") }
        let endings = ["total", "seconds", "bytes", "fds", "length", "open", "owner", "drift", "connections"]
        for file in ["docs/API.md", "docs/OPERATIONS.md", "docs/PERFORMANCE.md", "deploy/prometheus/alerts.yml"] {
            for match in try text(file).matches(of: /\b(?:redeem|process)(?:_[a-z]+)+\b/) {
                // A role of Postgres.
                guard match.output != "redeem_owner" else { continue }
                guard endings.contains(where: { match.output.hasSuffix("_\($0)") }) else { continue }
                #expect(Metric(rawValue: String(match.output)) != nil, "\(file) names \(match.output)")
            }
        }
    }
}

/// A metric as the text format tells it.
private struct Family: Hashable {
    let name: String
    let kind: String
    let help: String
    /// Of each of its series.
    let labels: Set<Set<String>>

    init(_ metric: Metric) {
        name = metric.name
        kind = metric.kind.rawValue
        help = metric.help
        labels = [Set(metric.labels)]
    }

    private init(name: String, lines: [Substring]) {
        func rest(_ word: String) -> String {
            let prefix = "# \(word) \(name) "
            return lines.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) } ?? "none"
        }
        self.name = name
        kind = rest("TYPE")
        help = rest("HELP")
        labels = Set(
            lines.filter { !$0.hasPrefix("#") }.map { line in
                Set(line.matches(of: /([a-z_]+)="/).map { String($0.output.1) }).subtracting(["le"])
            }
        )
    }

    /// In the order of the text, in which a family's lines follow its first comment.
    static func all(in text: String) -> [Family] {
        var names: [String] = []
        var lines: [String: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                let name = String(line.split(separator: " ")[2])
                if names.last != name { names.append(name) }
            }
            lines[names.last ?? "", default: []].append(line)
        }
        return names.map { Family(name: $0, lines: lines[$0] ?? []) }
    }
}
