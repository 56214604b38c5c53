internal import ArgumentParser
internal import Domain
internal import Persistence
internal import PostgresClient
internal import Terminal

extension KeyCommand {
    struct SetToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-token",
            abstract: "Record REDEEM_TOKEN_KEY as the key for access tokens that all servers share.",
            discussion: """
                When a key is replaced, run it once all servers have the new key, and before the old one is taken away. Servers that \
                do not have the recorded key, among others or alone, end within seconds and do not start.

                After a leak, give the new key alone (no REDEEM_TOKEN_OTHER_KEYS) to all servers, and run

                  redeem key set-token --leaked

                It records the new key whatever was there before, and ends all sessions, since with the leaked key tokens could be \
                made for any session that was known. Servers that still have only the old key end.
                """
        )

        @Flag(help: "Replace the recorded key, whichever it is, and end everybody's sessions.")
        var leaked = false

        @Flag(help: "Do not ask.")
        var yes = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let ids = try GivenKeys(stores.settings).token
                guard let id = ids.first else {
                    throw UsageError("REDEEM_TOKEN_KEY is not set", remedy: "set it to the key that signs from now on")
                }
                guard !leaked || ids.count == 1 else {
                    throw UsageError(
                        "REDEEM_TOKEN_OTHER_KEYS has \(ids.count - 1) keys, whose tokens would stay good",
                        remedy: "take them away: after a leak the new key is the only one"
                    )
                }
                if leaked {
                    try Confirmation(yes: yes, "set-token --leaked").ask("Log everybody out, and end servers without this key?")
                }
                let known: [String]? = leaked ? nil : ids
                try await stores.postgres.withConnection {
                    try $0.recordKey(.token, id: id, replacing: known, actor: Actor.commandLine)
                }
                print("recorded \(id) as the key for access tokens")
                guard leaked else { return }
                // The sessions are ended after the key is recorded, so a server with the old key, which then ends, can open no
                // further session.
                try await stores.postgres.withConnection { try $0.revokeSessions(before: .now(), actor: Actor.commandLine) }
                print("all sessions that began before now are ended: by the sync worker, within a moment")
            }
        }
    }
}
