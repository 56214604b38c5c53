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
            Requests start by the clock, and latency counts from the moment when a request was meant to start. So a server that \
            stalls cannot hide it (coordinated omission). Afterwards it checks that there were as many successes as stock and \
            users allow, that Postgres has as many rows, that no user redeemed twice, and that no credit was lost. Examples:

              redeem bench --local                          20000 redemptions a second on a private Redeem
              redeem bench storm --local --rate 10000 --html storm.html
              redeem bench --url http://127.0.0.1:8080 --tokens tokens.txt --coupon sale --code SALE-2030 \\
                --config .redeem/env --fail-if 'p99>20ms' --fail-if 'errors>0'
              redeem bench replay --url http://127.0.0.1:7379 --requests requests.txt --expect '"accepted"'
              redeem bench --local --json before.json       and later, after a change:
              redeem bench --local --baseline before.json --fail-if 'rate<0.9x' --fail-if 'p99>1.5x'

            --fail-if takes a metric, one of > >= < <=, and a number with its unit:

              p50 p90 p99 p99.9 p99.99 max mean lag   us, ms or s
              rate                                    no unit, /s, or % of --rate
              errors unknown not_sent                 no unit, or % of all requests
              outbox                                  no unit
              any of them                             x: times the baseline's value

            Exit code 0 if all is well; 1 if a promise was broken; 64 for wrong use; 69 if the server does not answer; 99 if a \
            condition of --fail-if holds.
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
