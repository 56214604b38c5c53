internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Terminal

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Create, import, show and change users, grant them credit, and load them into Redis.",
        subcommands: [Create.self, Import.self, Show.self, Credit.self, Password.self, Role.self, Load.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a user.",
            discussion: "Example: printf '%s\\n' \"$PASSWORD\" | redeem user create jo --password-stdin --credit 100"
        )

        @Argument(help: "The username: \(Username.rule).")
        var username: String

        @Flag(help: "Read the password from the first line of standard input.")
        var passwordStdin = false

        @Option(help: "The name to show. Default: the username.")
        var name: String?

        @Option(parsing: .unconditional, help: "Credit to begin with.")
        var credit = 0

        @Option(help: "user or admin.", completion: .roles)
        var role = Domain.Role.user.rawValue

        @Flag(help: "Print the user as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let username = try Input.username(username)
                let name = try Input.name(name ?? username)
                let credit = try Input.amount(credit, "--credit")
                let role = try Input.role(role)
                let password = try Input.password(stdin: passwordStdin)
                let hasher = PasswordHasher(configuration: try PasswordHasher.Configuration(stores.settings.reader))
                let new = NewUser(
                    id: UserID.new(),
                    username: username,
                    name: name,
                    role: role,
                    passwordHash: try await hasher.hash(password),
                    credit: credit
                )
                do {
                    let user = try await stores.postgres.withConnection { try $0.createUser(new, actor: Actor.commandLine) }
                    try UserView(user, balance: credit, live: nil).print(json: json)
                } catch let error as PostgresError where error.isUniqueViolation {
                    throw Refusal("there is a user '\(username)' already; see: redeem user show \(username)")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a user and their credit: settled (Postgres) and, where Redis is in reach, available and held."
        )

        @Argument(help: "The username.")
        var username: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let user = try await stores.user(username)
                let balance = try await stores.postgres.withConnection { try $0.balance(of: user.id) } ?? 0
                try UserView(user, balance: balance, live: try await live(user.id, stores)).print(json: json)
            }
        }

        /// The user's credit in Redis; `nil` if Redis is out of reach, was not asked, or does not have the user.
        private func live(_ user: UserID, _ stores: Stores) async throws -> Domain.Credit? {
            guard stores.settings.reader.text("redis.url") != nil else { return nil }
            do {
                return try await stores.withHotPath { try await $0.store(for: user).credit(of: user) }
            } catch let error as RedisError {
                Output.note("Redis is out of reach, so what is available and held is not shown: \(error)")
                return nil
            }
        }
    }

    struct Credit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Grant a user credit. It can be spent as soon as the sync worker has told Redis.",
            discussion: """
                Redis need not be in reach: the grant is recorded in Postgres, and the sync worker carries it on when Redis is back.
                """
        )

        @Argument(help: "The username.")
        var username: String

        @Option(parsing: .unconditional, help: "How much to add, at least 1.")
        var add: Int

        @Option(help: "Why; kept with the grant.")
        var reason = "granted by an operator"

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let amount = try Input.amount(add, "--add", least: 1)
                let reason = try Input.reason(reason)
                let user = try await stores.user(username)
                do {
                    let balance = try await stores.postgres.withConnection { connection in
                        _ = try connection.grantCredit(to: user.id, amount: amount, reason: reason, actor: Actor.commandLine)
                        return try connection.balance(of: user.id) ?? 0
                    }
                    try UserView(user, balance: balance, live: nil).print(json: json)
                    Output.recorded()
                } catch let error as PostgresError where error.constraint == PostgresConstraint.balance {
                    throw Refusal("--add \(amount) would be too much: \(error.message) (2^53 - 1); nothing was granted")
                }
            }
        }
    }
}

struct UserView: Encodable {
    let id: String
    let username: String
    let name: String
    let role: String
    /// Grants less the redemptions that Postgres has.
    let balance: Int
    let available: Int?
    let held: Int?

    init(_ user: User, balance: Int, live: Domain.Credit?) {
        id = user.id.description
        username = user.username
        name = user.name
        role = user.role.rawValue
        self.balance = balance
        available = live?.available
        held = live?.held
    }

    func print(json: Bool) throws {
        guard !json else { return try Output.json(self) }
        Output.table(
            ["USERNAME", "NAME", "ROLE", "BALANCE", "AVAILABLE", "HELD", "ID"],
            [[username, name, role, "\(balance)", available.map(String.init) ?? "-", held.map(String.init) ?? "-", id]]
        )
    }
}
