internal import ArgumentParser
internal import Foundation
internal import LocalStack
internal import Logging
internal import Torture

struct TortureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture",
        abstract: "Break a Redeem of this command's own in every way there is, under load, and check that nothing was lost.",
        discussion: """
            Starts Redis with a replica and a Sentinel, Postgres, two servers and two sync workers, with a proxy on each link \
            between them, and sends redemptions, retries, logins, refreshes, log-outs, and what operators do. Faults come one \
            after the other, now and then two at once, with calm between them. At the end everything is healed and drained, \
            requests without an answer are sent again with the same key, and a checker compares what each client was told with \
            what is stored:

              accepted ⊆ Postgres ⊆ accepted ∪ unknown, and nothing refused is stored
              the same key has the same answer
              one redemption a user and coupon, no coupon beyond its total
              credit is conserved
              nothing is redeemed under a session after its end was answered
              a refresh token has one successor
              the cursor never goes back
              `redeem reconcile` holds

            Each fault must prove that it took place. What a mode does not promise to survive (FLUSHALL under local) may lose \
            what Postgres did not have yet, and nothing else.

            Faults:
            \(Fault.allCases.map { "  " + $0.rawValue.padded(to: 28) + $0.text }.joined(separator: "\n"))

            Examples:
              redeem torture --minutes 30 --seed 7
              redeem torture --once                           each fault once, in less than a minute
              redeem torture --faults 'redis-*,aof-*' --mode relaxed
              redeem torture --faults '^sync-stop' --json torture.json

            Everything it started is gone at the end. Ctrl-C ends the load early; the checks follow. \
            Exit code 0: every promise was kept; 1: one was broken; 64: wrong use; 69: a server does not start.
            """
    )

    @OptionGroup var options: TortureOptions

    func run() async throws {
        try await report {
            let settings = try TortureSettings(options)
            let logger = Logger.toStandardError("redeem.torture", level: .critical)
            let report = try await run(settings, program: try PrivateProgram.ownPath(), logger: logger)
            if options.json != "-" { print(report.text) }
            if let file = options.json { try write(report, to: file) }
            guard report.holds else { throw ExitCode.failure }
        }
    }

    private func run(_ settings: TortureSettings, program: String, logger: Logger) async throws -> TortureReport {
        do {
            return try await TortureStack.with(settings, program: program, logger: logger) { stack in
                try await TortureRun(settings: settings, stack: stack, logger: logger).perform()
            }
        } catch let error as LocalStackError {
            throw Unreachable(error.description, remedy: "`make setup` installs what is missing; --logs keeps what servers said")
        }
    }

    private func write(_ report: TortureReport, to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(report)
        guard file != "-" else { return print(String(decoding: data, as: UTF8.self)) }
        try OutputFile.write(data, to: file, "--json")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
