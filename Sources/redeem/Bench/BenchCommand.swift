internal import ArgumentParser
internal import Foundation
internal import LoadGenerator
internal import Logging
internal import Terminal

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Load a server, measure its latency honestly, and check afterwards that every promise was kept.",
        discussion: """
            Requests start by the clock and latency counts from when a request was meant to start, so that a server that \
            stalls cannot hide it (coordinated omission). Afterwards: successes = min(stock, users), the rows in Postgres are \
            as many, no user twice, credit conserved. Examples:

              redeem bench --local                          20000 redemptions a second on a Redeem of its own
              redeem bench storm --local --rate 10000 --html storm.html
              redeem bench --url http://127.0.0.1:8080 --tokens tokens.txt --coupon sale --code SALE-2030 \\
                --config .redeem/env --fail-if 'p99>20ms' --fail-if 'errors>0'
              redeem bench replay --url http://127.0.0.1:7379 --requests requests.txt --expect '"accepted"'
              redeem bench --local --json before.json       and later, after a change:
              redeem bench --local --baseline before.json --fail-if 'rate<0.9x' --fail-if 'p99>1.5x'

            --fail-if: p50 p90 p99 p99.9 p99.99 max mean lag take us, ms, s; rate a second, /s, or % of what was asked for; errors \
            unknown not_sent a number or %; outbox a number. Each takes x: times what the baseline has.

            Exit code 0: all well; 1: a promise was broken; 64: wrong use; 69: the server does not answer; 99: a --fail-if holds.
            """
    )

    /// Its own exit code tells a run that is only too slow from one that broke a promise. k6 uses the same for its thresholds.
    private static let conditionHolds = ExitCode(99)

    @OptionGroup var options: BenchOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await withExitCodes {
            let settings = try BenchSettings(options)
            switch settings.place {
            case .local:
                // The processes that it starts inherit the limit.
                try FileLimit.raise(forConnections: settings.connections)
                let logger = try await connection.settings().logger("redeem.bench", default: .warning)
                try await LocalTarget(settings: settings, logger: logger).with { try await bench(settings, $0) }
            case .url(let address):
                let target = RemoteTarget(options: options, settings: settings, connection: connection)
                try await target.with(address) { try await bench(settings, $0) }
            }
        }
    }

    private func bench(_ settings: BenchSettings, _ target: BenchTarget) async throws {
        let report = try await BenchRun(settings: settings, target: target).perform()
        if options.json != "-" { print(BenchTable(report: report).text) }
        if let file = options.json { try write(report, to: file) }
        if let file = options.html { try OutputFile.write(Data(ReportPage(report).html.utf8), to: file, "--html") }
        guard report.isKept else { throw ExitCode.failure }
        guard report.failed.isEmpty else { throw BenchCommand.conditionHolds }
    }

    private func write(_ report: BenchReport, to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let data = try encoder.encode(report)
        guard file == "-" else { return try OutputFile.write(data, to: file, "--json") }
        print(String(decoding: data, as: UTF8.self))
    }
}
