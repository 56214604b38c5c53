internal import ArgumentParser
internal import Domain
internal import Terminal

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
            QuarantineCommand.self, DoctorCommand.self, HealthCommand.self, BenchCommand.self,
        ]
    )

    static func main() async { await runAsProgram() }
}
