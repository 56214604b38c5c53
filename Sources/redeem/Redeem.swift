internal import ArgumentParser

@main
struct Redeem: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redeem",
        abstract: "Coupon redemption for flash sales: Redis decides, Postgres keeps.",
        discussion: """
            Try it:  redeem dev            everything on this machine, with demo data
            Run it:  redeem migrate        once, and after each upgrade
                     redeem serve          the API; as many processes as you like
                     redeem sync           carries decisions to Postgres; two or more, one of them works per shard

            Settings come from flags, then the environment, then the file named by --config, then defaults. Each flag's \
            help names its variable. `redeem dev` writes such a file to .redeem/env.
            """,
        version: Version.current,
        subcommands: [
            DevCommand.self, ServeCommand.self, SyncCommand.self, MigrateCommand.self, SeedCommand.self, CouponCommand.self,
            UserCommand.self, SessionCommand.self, KeyCommand.self, ImportCommand.self, ReconcileCommand.self,
            QuarantineCommand.self,
            DoctorCommand.self, HealthCommand.self, BenchCommand.self, TortureCommand.self,
        ]
    )

    static func main() async {
        do {
            try Arguments.check()
            let command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
        } catch {
            end(error)
        }
    }

    /// As the library would, but for the arguments that it quotes: one in the wrong place may be a code or a password.
    private static func end(_ error: any Error) -> Never {
        let code = exitCode(for: error)
        guard !code.isSuccess, !(error is ExitCode) else { exit(withError: error) }
        let message = message(for: error)
        let isTooMuch = message.prefixMatch(of: #/(\d+ unexpected arguments:|Unexpected argument) '/#) != nil
        let shown =
            isTooMuch
            ? "there is a value too many; one with blanks in it needs quotes"
            : ArgumentSecrets.ofThisProcess.hidden(in: message)
        Output.note(fullMessage(for: error).replacing(message, with: shown, maxReplacements: 1))
        exit(withError: code)
    }
}

enum Version {
    static let current = "0.1.0"
}
