internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import Terminal

struct SeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed",
        abstract: "Create many users with live sessions and a coupon, for load tests.",
        discussion: """
            The tokens file gets the access token of each user, one on each line. The shard must be open (by a running \
            `redeem sync` or `redeem dev`). Example:

              redeem seed --config .redeem/env --users 200000 --credit 100 \\
                --coupon sale --stock 10000 --price 5 --code SALE-2030 --tokens tokens.txt
            """
    )

    @Option(parsing: .unconditional, help: "How many users to create, at least 1.")
    var users: Int

    @Option(parsing: .unconditional, help: "The credit of each user.")
    var credit: Int

    @Option(help: "The id of the coupon, which is created if there is none.")
    var coupon: String

    @Option(parsing: .unconditional, help: "The total of a new coupon.")
    var stock: Int

    @Option(parsing: .unconditional, help: "The price of a new coupon.")
    var price: Int

    @Option(help: "The hidden code of a new coupon.")
    var code: String

    @Option(help: "The file that gets the access tokens (mode 0600).", completion: .file())
    var tokens: String

    @Option(help: "The file that gets the refresh tokens, in the same order.", completion: .file())
    var refreshTokens: String?

    @Option(
        help: "The file that gets usernames and passwords, a space between them. Without it the users have no password.",
        completion: .file()
    )
    var logins: String?

    @Option(help: "How long the tokens and sessions live.")
    var tokenMinutes = 24 * 60

    private static let tokenMinutesLimit = 366 * 24 * 60

    @Flag(help: "Print the summary as JSON.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await Stores.with(connection) { stores in
            let users = try Input.amount(users, "--users", least: 1)
            let minutes = 1...SeedCommand.tokenMinutesLimit
            guard minutes.contains(tokenMinutes) else {
                throw UsageError(
                    "--token-minutes \(tokenMinutes) is out of range",
                    remedy: "use \(minutes.lowerBound) to \(minutes.upperBound) (a year)"
                )
            }
            let lifetime = Duration.seconds(60 * tokenMinutes)
            let key = try ServiceKey.code(stores.settings.reader)
            let keys = try GivenKeys(stores.settings)
            try await stores.postgres.withConnection { connection in
                try connection.checkKey(.code, ids: keys.code)
                try connection.checkKey(.token, ids: keys.token)
            }
            let digester = CodeDigester(key: key)
            let new = Coupon(
                id: try Input.couponID(coupon),
                name: coupon,
                codeDigest: digester.digest(of: try Input.hiddenCode(code, stdin: false)),
                price: try Input.amount(price, "--price"),
                total: try Input.amount(stock, "--stock")
            )
            var seeder = BulkSeeder(
                postgres: stores.postgres,
                codeKey: digester.keyID,
                signer: AccessTokenSigner(
                    keys: TokenKeys(signing: try ServiceKey.token(stores.settings.reader)),
                    parties: try TokenParties(stores.settings.reader),
                    lifetimeSeconds: Int(lifetime.components.seconds)
                ),
                refreshTokens: RefreshTokens(key: key),
                credit: try Input.amount(credit, "--credit"),
                sessionLifetime: lifetime
            )
            if logins != nil {
                try await seeder.givePassword(hashedBy: PasswordHasher(configuration: .init(stores.settings.reader)))
            }
            let files = SeedFiles(tokens: tokens, refreshTokens: refreshTokens, logins: logins)
            let started = ContinuousClock.now
            try await stores.withHotPath { [seeder] hotPath in
                try await seeder.run(users: users, coupon: new, hotPath: hotPath, files: files)
            }
            let seconds = Double((ContinuousClock.now - started) / .milliseconds(1)) / 1000
            if json {
                try Output.json(["users": "\(users)", "coupon": coupon, "tokens": tokens, "seconds": "\(seconds)"])
            } else {
                Output.text("created \(users) users with sessions in \(seconds) s; their access tokens are in \(tokens)")
            }
        }
    }
}

/// Creates users, their sessions and their credit in Redis, chunk by chunk. The users of a chunk are in Postgres before Redis
/// hears of them, and a token is written once its session lives.
struct BulkSeeder: Sendable {
    static let usersPerChunk = 2_000

    let postgres: PostgresClient
    /// The id of the key that the coupon's code was digested with.
    let codeKey: String
    let signer: AccessTokenSigner
    let refreshTokens: RefreshTokens
    let credit: Int
    let sessionLifetime: Duration
    private var password = ""
    /// Without a password this is no hash, so no password matches it.
    private var passwordHash = "!"

    init(
        postgres: PostgresClient,
        codeKey: String,
        signer: AccessTokenSigner,
        refreshTokens: RefreshTokens,
        credit: Int,
        sessionLifetime: Duration
    ) {
        self.postgres = postgres
        self.codeKey = codeKey
        self.signer = signer
        self.refreshTokens = refreshTokens
        self.credit = credit
        self.sessionLifetime = sessionLifetime
    }

    /// Gives all users the same random password, which is hashed once. To hash one for each of a million users would take days.
    mutating func givePassword(hashedBy hasher: PasswordHasher) async throws {
        password = UUID().uuidString.lowercased()
        passwordHash = try await hasher.hash(password)
        await hasher.close()
    }

    func run(users count: Int, coupon: Coupon, hotPath: HotPath, files: SeedFiles) async throws {
        let output = try files.open()
        defer { output.close() }
        try await create(coupon)
        let run = UUIDv7(milliseconds: UInt64(Timestamp.now().milliseconds)).description.prefix(13)
        var progress = ProgressBar("seeding users", total: count)
        for start in stride(from: 0, to: count, by: BulkSeeder.usersPerChunk) {
            let end = min(start + BulkSeeder.usersPerChunk, count)
            let users = (start..<end).map { number in
                NewUser(
                    id: UserID.new(),
                    username: "load-\(run)-\(number)",
                    name: "load \(number)",
                    role: .user,
                    passwordHash: passwordHash,
                    credit: credit
                )
            }
            try await postgres.withConnection { try $0.createUsers(users, actor: Actor.commandLine) }
            try await load(users.map(\.id), hotPath)
            let tokens = try await openSessions(users, hotPath)
            try output.write(
                tokens: tokens.access,
                refreshTokens: tokens.refresh,
                logins: users.map { "\($0.username) \(password)" }
            )
            progress.update(end)
        }
        progress.finish()
    }

    private func create(_ coupon: Coupon) async throws {
        let existing: Coupon
        do {
            existing = try await postgres.withConnection { connection in
                guard let existing = try connection.coupon(coupon.id) else {
                    return try connection.createCoupon(coupon, codeKey: codeKey, actor: Actor.commandLine)
                }
                // A coupon that is older than the record of keys proves which key it was made with.
                if existing.codeDigest == coupon.codeDigest {
                    try connection.claimKey(.code, ids: [codeKey], actor: Actor.commandLine)
                }
                return existing
            }
        } catch let error as PostgresError where error.constraint == PostgresConstraint.couponCode {
            throw Refusal("another coupon has this hidden code; give --code another one")
        }
        guard existing.codeDigest == coupon.codeDigest, existing.price == coupon.price else {
            throw Refusal("there is a coupon '\(coupon.id)' with another price or code; give --coupon another id")
        }
    }

    private func load(_ users: [UserID], _ hotPath: HotPath) async throws {
        for store in hotPath.stores {
            let shard = store.shard
            let mine = users.filter { hotPath.shards.shard(of: $0) == shard }
            var replies: [LoadUserReply]
            repeat {
                let snapshots = try await postgres.withConnection { try $0.snapshot(of: mine, shard: shard) }
                guard snapshots.count == mine.count else {
                    throw Refusal("the shard was never opened; start `redeem sync`, and try again")
                }
                replies = try await store.loadUsers(snapshots)
                guard !replies.contains(.wrongEpoch) else { throw Refusal("the shard is being rebuilt; try again in a moment") }
                // A snapshot is stale if an operator's change came after it, so it is read again.
            } while replies.contains(.staleSnapshot)
        }
    }

    private func openSessions(_ users: [NewUser], _ hotPath: HotPath) async throws -> (access: [String], refresh: [String]) {
        let now = Timestamp.now()
        var refresh: [String] = []
        let sessions = users.map { user in
            let token = refreshTokens.issue(
                user: user.id,
                session: SessionID(uuid: UUIDv7(milliseconds: UInt64(now.milliseconds)))
            )
            refresh.append(token.secretText)
            return NewSession(
                id: token.session,
                user: user.id,
                role: user.role,
                version: 1,
                refreshDigest: token.digest,
                device: "load test"
            )
        }
        var limits = SessionLimits()
        (limits.idle, limits.absolute) = (sessionLifetime, sessionLifetime)
        _ = try await hotPath.sessions.createMany(sessions, limits)
        return (sessions.map { signer.sign(user: $0.user, session: $0.id, role: $0.role, now: now) }, refresh)
    }
}
