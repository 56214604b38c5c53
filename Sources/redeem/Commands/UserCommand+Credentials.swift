internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import Terminal

// These changes end the user's sessions. Postgres records both at once. If the command is stopped before it has ended the
// sessions in Redis too, the sync worker does so.
extension UserCommand {
    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a user's password, which ends the user's sessions.",
            discussion: """
                Example: printf '%s\\n' "$PASSWORD" | redeem user password jo --password-stdin

                Exit code 75: the password is changed, but Redis is out of reach; the sync worker ends the sessions when it is back.
                """
        )

        @Argument(help: "The username.")
        var username: String

        @Flag(help: "Read the new password from the first line of standard input.")
        var passwordStdin = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let password = try Input.password(stdin: passwordStdin)
                let user = try await stores.user(username)
                let hasher = PasswordHasher(configuration: try PasswordHasher.Configuration(stores.settings.reader))
                let hash = try await hasher.hash(password)
                try await stores.change(user, "the password of '\(username)' is changed") {
                    try $0.setPasswordHash(of: user.id, to: hash, actor: Actor.commandLine)
                }
            }
        }
    }

    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a user's role, which ends the user's sessions.",
            discussion: """
                Exit code 75: the role is changed, but Redis is out of reach; the sync worker ends the sessions when it is back.
                """
        )

        @Argument(help: "The username.")
        var username: String

        @Argument(help: "user or admin.", completion: .roles)
        var role: String

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let role = try Input.role(role)
                let user = try await stores.user(username)
                guard user.role != role else {
                    return Output.note("'\(username)' has the role \(role.rawValue) already; nothing was changed")
                }
                try await stores.change(user, "'\(username)' has the role \(role.rawValue) now") {
                    try $0.setRole(of: user.id, to: role, actor: Actor.commandLine)
                }
            }
        }
    }
}

extension Stores {
    /// Makes a change that returns the new version of the user's credentials, and ends the sessions of older versions.
    fileprivate func change(
        _ user: User,
        _ done: String,
        _ body: @escaping @Sendable (PostgresConnection) throws -> Int?
    ) async throws {
        try checkRedisSettings()
        guard let version = try await postgres.withConnection(body) else {
            throw Refusal("there is no user '\(user.username)' any more")
        }
        try await endSessions(SessionRevocations([.userSessionsRevoked(user.id, below: version)]), done)
        Output.text("\(done); older sessions are ended")
    }
}
