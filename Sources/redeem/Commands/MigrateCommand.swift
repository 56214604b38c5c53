internal import ArgumentParser
internal import Persistence

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the Postgres schema up to this program's version. Safe to run again, and by several at once."
    )

    @Flag(help: "Print the applied migrations as JSON.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await Stores.with(connection) { stores in
            let applied = try await stores.postgres.withConnection { try Migrator().run(on: $0).map(\.description) }
            guard !json else { return try Output.json(["applied": applied]) }
            Output.text(applied.isEmpty ? "the schema is up to date" : "applied \(applied.joined(separator: ", "))")
        }
    }
}
