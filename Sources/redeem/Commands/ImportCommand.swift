internal import ArgumentParser
internal import Credentials
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Move in from another service.",
        subcommands: [Flask.self]
    )

    struct Flask: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over the users, coupons and past uses of a Flask service from its Postgres.",
            discussion: """
                Reads the tables "User", "Coupon" and user_coupon, and changes nothing \
                there. Users log in with their old passwords, their credit is what it \
                was, and what they have used stays used. Stop the old service first:
                a coupon that is used there during or after the import is not used here.

                Try it, as often as you like; then do it:

                  export REDEEM_IMPORT_FROM=postgres://flask:PASSWORD@old-host/flask
                  redeem import flask --dry-run
                  redeem import flask

                All of it is one transaction: after a failure nothing was imported. \
                Run it again whenever rows were mended or added there; what is here \
                already is left as it is. Rows that cannot be taken over are listed \
                with the reason. So are rows that have changed there since they were \
                taken over; they are not changed here.

                Exit code 0 if everything is here as it is there; 1 if a row was skipped or changed, has changed there since, or \
                a coupon was oversold; 64 for wrong use, or if the tables are not those of such a service; 69 if a database is \
                out of reach.
                """
        )

        @Option(
            help: ArgumentHelp(
                "The Flask service's Postgres: postgres://user:password@host[:port]/database. Other users of this machine can see it in the process list; the variable avoids that. [REDEEM_IMPORT_FROM]",
                valueName: "url"
            )
        )
        var from: String?

        @Option(
            help: ArgumentHelp(
                "The time zone of expiration dates that have none, such as Europe/Berlin: a name that the Postgres there knows.",
                valueName: "name"
            )
        )
        var timeZone = "UTC"

        @Flag(help: "Do all of it, report the result, and roll it back.")
        var dryRun = false

        @Flag(help: "Print the report as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await withExitCodes {
                let settings = try await connection.settings(["import.from": from])
                let logger = try settings.logger("redeem")
                var own = try PostgresConfiguration(settings.reader)
                own.statementTimeout = max(own.statementTimeout, FlaskImport.statementTimeout)
                // The transaction here is idle while the other database is read.
                own.idleInTransactionTimeout = own.statementTimeout
                var source = try PostgresConfiguration.importSource(settings.reader)
                source.statementTimeout = own.statementTimeout
                let key = try ServiceKey.code(settings.reader)
                let work = FlaskImport(
                    source: source,
                    codeKeyID: key.codeKeyID,
                    rules: FlaskRules(digester: CodeDigester(key: key)),
                    keep: !dryRun,
                    timeZone: timeZone,
                    logger: logger
                )
                let dedicated = try await DedicatedPostgresConnection.open(own, logger: logger)
                let result: Result<ImportReport, any Error>
                do {
                    result = .success(try await dedicated.withConnection { try work.run(on: $0) })
                } catch {
                    result = .failure(error)
                }
                await dedicated.close()
                do {
                    try show(try result.get())
                } catch let error as PostgresError where error.isUniqueViolation {
                    throw Refusal(
                        "nothing was imported: a user or a coupon with the same name was created meanwhile "
                            + "(\(error.constraint ?? "unique")); run it again"
                    )
                }
            }
        }

        private func show(_ report: ImportReport) throws {
            if json {
                try Output.json(ImportView(dry_run: dryRun, clean: report.isClean, report: report))
            } else {
                report.printTable()
                if dryRun { Output.text("\ndry run: nothing was changed") }
                if !dryRun, report.coupons.imported > 0 { Output.recorded() }
            }
            guard report.isClean else { throw ExitCode.failure }
        }
    }
}

private struct ImportView: Encodable {
    let dry_run: Bool
    /// Whether everything was taken over as it was.
    let clean: Bool
    let report: ImportReport

    enum CodingKeys: CodingKey {
        case dry_run
        case clean
    }

    func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(dry_run, forKey: .dry_run)
        try container.encode(clean, forKey: .clean)
    }
}
