internal import ArgumentParser
internal import Domain
internal import Foundation
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Terminal

struct SessionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session",
        abstract: "List logins and end them.",
        subcommands: [List.self, Revoke.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a user's sessions, the newest first.")

        @Argument(help: "The username.")
        var username: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let user = try await stores.user(username)
                let sessions = try await stores.withHotPath { try await $0.sessions.list(of: user.id) }
                try SessionView.print(sessions, json: json)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End sessions. From then on nothing is redeemed under them, on any server.",
            discussion: """
                redeem session revoke jo 0192…          one session of a user; `redeem session list jo` shows the ids
                redeem session revoke jo --all          all of them; a login that is under way fails too
                redeem session revoke --issued-before 2030-06-01T10:00:00Z
                                                        everybody's that began before a moment, after a key has leaked

                The last two are written to Postgres first, so that they also end sessions of a Redis that is out of reach now:
                the sync worker does it when it is back, and the exit code is 75. The first one asks Redis alone: while that is out
                of reach, nothing is ended (69).
                """
        )

        @Argument(help: "The username.")
        var username: String?

        @Argument(help: "The ids of sessions.")
        var sessions: [String] = []

        @Flag(help: "All sessions of the user.")
        var all = false

        @Option(help: "Everybody's sessions that began before this moment, such as 2030-06-01T10:00:00Z.")
        var issuedBefore: String?

        @OptionGroup var connection: ConnectionOptions

        private enum Wanted {
            case some([SessionID], of: String)
            case all(of: String)
            case everybodys(before: Timestamp)
        }

        func run() async throws {
            try await Stores.with(connection) { stores in
                switch try wanted() {
                case .some(let ids, let username): try await end(ids, of: username, stores)
                case .all(let username): try await endAll(of: username, stores)
                case .everybodys(let moment): try await endEverybodys(before: moment, stores)
                }
                Output.text("ended")
            }
        }

        private func wanted() throws -> Wanted {
            switch (username, sessions.isEmpty, all, issuedBefore) {
            case (let username?, false, false, nil): return .some(try sessions.map(Input.sessionID), of: username)
            case (let username?, true, true, nil): return .all(of: username)
            case (nil, true, false, let text?):
                let moment = try Input.moment(text, "--issued-before")
                guard moment <= .now() else {
                    throw UsageError("--issued-before \(text) is in the future", remedy: "give a moment that has passed")
                }
                return .everybodys(before: moment)
            case (_?, true, false, nil):
                throw UsageError("which sessions of the user?", remedy: "name their ids, or give --all")
            case (nil, _, _, nil):
                throw UsageError("whose sessions?", remedy: "name a user, or give --issued-before for everybody's")
            default:
                throw UsageError(
                    "these arguments exclude each other",
                    remedy: "give a user with ids, a user with --all, or --issued-before alone"
                )
            }
        }

        private func end(_ ids: [SessionID], of username: String, _ stores: Stores) async throws {
            let user = try await stores.user(username)
            try await stores.withHotPath { hotPath in
                var unknown: [SessionID] = []
                for id in ids where try await !hotPath.sessions.revoke(user: user.id, session: id) { unknown.append(id) }
                guard unknown.isEmpty else {
                    let names = unknown.map(\.description).joined(separator: ", ")
                    throw Refusal("'\(username)' has no session \(names) (\(ids.count - unknown.count) others were ended)")
                }
            }
        }

        private func endAll(of username: String, _ stores: Stores) async throws {
            let user = try await stores.user(username)
            try stores.checkRedisSettings()
            let version = try await stores.postgres.withConnection {
                try $0.revokeSessions(of: user.id, actor: Actor.commandLine)
            }
            guard let version else { throw Refusal("there is no user '\(username)' any more") }
            let revocations = SessionRevocations([.userSessionsRevoked(user.id, below: version)])
            try await stores.endSessions(revocations, "the sessions of '\(username)' are revoked")
        }

        private func endEverybodys(before moment: Timestamp, _ stores: Stores) async throws {
            try stores.checkRedisSettings()
            try await stores.postgres.withConnection { try $0.revokeSessions(before: moment, actor: Actor.commandLine) }
            let revocations = SessionRevocations([.sessionsRevoked(before: moment)])
            try await stores.endSessions(revocations, "everybody's sessions from before \(moment.text) are revoked")
        }
    }
}

extension Stores {
    /// Checks the settings of Redis before anything is recorded, since missing or wrong ones are a mistake of the caller's.
    func checkRedisSettings() throws { _ = try RedisConfiguration(settings.reader) }

    /// Ends sessions in Redis that Postgres has already revoked, rather than leave them to the sync worker. It does not say how
    /// many, since the worker may have been faster.
    /// - Parameter done: what Postgres has recorded. If Redis is out of reach, the message says that this much was done.
    func endSessions(_ revocations: SessionRevocations, _ done: String) async throws {
        do {
            _ = try await withHotPath { try await $0.sessions.end(revocations) }
        } catch {
            Output.note("\(done), but the sync worker has yet to end the sessions, when Redis is back: \(error)")
            throw ExitCode(EX_TEMPFAIL)
        }
    }
}

private struct SessionView: Encodable {
    let id: String
    let created_at: String
    let last_used_at: String
    let expires_at: String
    let address: String
    let user_agent: String

    init(_ session: Session) {
        id = session.id.description
        created_at = session.created.text
        last_used_at = session.used.text
        expires_at = session.expires.text
        address = session.address
        user_agent = session.device
    }

    static func print(_ sessions: [Session], json: Bool) throws {
        let views = sessions.map(SessionView.init)
        guard !json else { return try Output.json(views) }
        Output.table(
            ["ID", "CREATED", "LAST USED", "EXPIRES", "ADDRESS", "USER AGENT"],
            views.map { [$0.id, $0.created_at, $0.last_used_at, $0.expires_at, $0.address, $0.user_agent] }
        )
    }
}
