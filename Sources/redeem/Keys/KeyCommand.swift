internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Show, record and replace the keys that all processes share.",
        discussion: """
            The database has an id of each key, which reveals nothing of the key. The first `redeem migrate`, `coupon create` or \
            `import` with a code key records its id, and the first `redeem migrate` with a token key records that one. A process \
            with another key refuses to work.
            """,
        subcommands: [Show.self, SetToken.self, ReplaceCode.self, AdoptCode.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the ids of the recorded keys and of those in these settings. Exit code 1 if they differ."
        )

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let here = try GivenKeys(stores.settings)
                let recorded = try await stores.postgres.withConnection { connection in
                    try ServiceKeyName.allCases.map { ($0, try connection.recordedKey($0)) }
                }
                let views = recorded.map { KeyView(name: $0, recorded: $1, here: here.ids(of: $0)) }
                if json {
                    try Output.json(views)
                } else {
                    Output.table(
                        ["KEY", "RECORDED", "SINCE", "BY", "HERE"],
                        views.map {
                            [$0.name, $0.recorded ?? "-", $0.since ?? "-", $0.by ?? "-", $0.here.joined(separator: " ")]
                        }
                    )
                }
                guard views.allSatisfy(\.agrees) else { throw ExitCode.failure }
            }
        }
    }
}

/// The ids of the keys in the settings. A key that is not set has no id.
struct GivenKeys {
    let code: [String]
    /// The first one signs.
    let token: [String]

    init(_ settings: Settings) throws {
        let reader = settings.reader
        code = reader.text("code.key") == nil ? [] : [try ServiceKey.code(reader).codeKeyID]
        token =
            reader.text("token.key") == nil
            ? [] : TokenKeys(signing: try ServiceKey.token(reader), others: try ServiceKey.otherTokenKeys(reader)).ids
    }

    func ids(of name: ServiceKeyName) -> [String] {
        switch name {
        case .code: code
        case .token: token
        }
    }

    /// Brings the schema up to this program's version, and claims the keys.
    /// - Returns: the migrations that were missing.
    func migrate(on connection: PostgresConnection) throws -> [Migration] {
        let applied = try Migrator().run(on: connection)
        try claim(on: connection)
        return applied
    }

    /// Records the keys that are set and not recorded yet, and compares the others.
    func claim(on connection: PostgresConnection) throws {
        for name in ServiceKeyName.allCases where !ids(of: name).isEmpty {
            try connection.claimKey(name, ids: ids(of: name), actor: Actor.commandLine)
        }
    }
}

private struct KeyView: Encodable {
    let name: String
    let recorded: String?
    let since: String?
    let by: String?
    let here: [String]

    init(name: ServiceKeyName, recorded: RecordedKey?, here: [String]) {
        self.name = name.rawValue
        self.recorded = recorded?.id
        since = recorded?.setAt.text
        by = recorded?.actor
        self.here = here
    }

    var agrees: Bool { here.isEmpty || recorded.map(here.contains) ?? true }
}
