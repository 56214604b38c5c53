internal import ArgumentParser
internal import Persistence
internal import PostgresClient
internal import Terminal

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the Postgres schema up to this program's version. Safe to run again, and by several at once.",
        discussion: """
            If REDEEM_CODE_KEY and REDEEM_TOKEN_KEY are set, it records the ids of these keys, so that a process with other keys \
            is noticed; see `redeem key`.
            """
    )

    @Flag(help: "Print the applied migrations as JSON.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await Stores.with(connection) { stores in
            let keys = try GivenKeys(stores.settings)
            let applied = try await stores.postgres.withConnection { try keys.migrate(on: $0) }.map(\.description)
            guard !json else { return try Output.json(["applied": applied]) }
            Output.text(applied.isEmpty ? "the schema is up to date" : "applied \(applied.joined(separator: ", "))")
        }
    }
}
