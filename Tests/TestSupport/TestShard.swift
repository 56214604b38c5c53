public import Domain
public import HotPath
public import LocalStack
import NIOPosix
public import RedisClient

/// One shard in a Redis of its own, without Postgres: closed and empty until `open`.
public struct TestShard: Sendable {
    public let redis: RedisServer
    public let client: RedisClient
    public let hotPath: HotPath
    public let keys: Keys
    public let epoch = Epoch(1)

    public var store: ShardStore { hotPath.stores[0] }

    /// Rebuilds the shard as its owner would.
    public func open(_ coupons: [Coupon] = [], epoch: Epoch? = nil, control: Int = 0) async throws {
        let epoch = epoch ?? self.epoch
        try await store.close(coupons: coupons.map(\.id))
        try await store.beginEpoch(epoch)
        try await store.writeCoupons(coupons, epoch: epoch)
        try await store.writeShard(epoch: epoch, control: control)
        try await store.loadScripts()
    }

    /// Loads a new user with one session.
    public func addUser(
        credit: Int = 100,
        redemptions: [CouponID: RedemptionID] = [:],
        control: Int = 0,
        epoch: Epoch? = nil
    ) async throws -> TestUser {
        let user = TestUser()
        let snapshot = UserSnapshot(
            user: user.id,
            balance: credit,
            redemptions: redemptions,
            control: control,
            epoch: epoch ?? self.epoch
        )
        guard try await store.loadUser(snapshot) == .loaded else { throw TestFailure("the user was not loaded") }
        try await addSession(of: user)
        return user
    }

    public func addSession(of user: TestUser) async throws {
        let session = NewSession(id: user.session, user: user.id, role: .user, version: 1, refreshDigest: "d")
        guard try await hotPath.sessions.create(session, SessionLimits()) == .created else {
            throw TestFailure("the session was not created")
        }
    }

    /// Sends one command.
    @discardableResult
    public func callAsFunction(_ arguments: String...) async throws -> RESPValue { try await client.send(arguments) }

    /// A user as Redis has it. `nil`: not loaded.
    package func record(of user: UserID) async throws -> UserRecord? { try await client.record(of: user, keys) }

    /// Writes another record over a user's.
    package func edit(_ user: UserID, _ change: (inout UserRecord) -> Void) async throws {
        try await client.edit(user, keys, change)
    }

    /// Writes anything over a user's record.
    package func set(_ user: UserID, _ record: [UInt8]) async throws { try await client.set(user, keys, record) }

    /// A hash, as text.
    public func hash(_ key: String) async throws -> [String: String] {
        let values = (try await client.send(["HGETALL", key]).array ?? []).compactMap(\.string)
        return Dictionary(uniqueKeysWithValues: stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) })
    }
}

public struct TestUser: Sendable, Hashable {
    public let id: UserID
    public let session: SessionID

    public init() {
        let now = UInt64(Timestamp.now().milliseconds)
        id = UserID(uuid: UUIDv7(milliseconds: now))
        session = SessionID(uuid: UUIDv7(milliseconds: now))
    }
}

public struct TestFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Runs the body with a shard of its own, which has no append-only file unless the options say so.
public func withShard<T: Sendable>(
    _ options: RedisOptions? = nil,
    limits: HotPathLimits = HotPathLimits(),
    commandDeadline: Duration = .seconds(5),
    _ body: (TestShard) async throws -> T
) async throws -> T {
    var plain = RedisOptions()
    plain.appendOnly = false
    return try await withRedis(options ?? plain) { redis in
        var configuration = try RedisConfiguration.forTests(redis.socketURL)
        configuration.commandDeadline = commandDeadline
        let client = RedisClient(
            configuration: configuration,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: testLogger()
        )
        let hotPath = HotPath(client: client, limits: limits)
        return try await stopping({ await client.close() }) {
            try await client.connect()
            return try await body(TestShard(redis: redis, client: client, hotPath: hotPath, keys: Keys(Shard(index: 0))))
        }
    }
}

extension Coupon {
    /// A coupon for tests, of the code whose digest is `CodeDigest.right`.
    public static func test(
        _ id: String = "x",
        price: Int = 10,
        total: Int = 100,
        redeemed: Int = 0,
        startsAt: Timestamp? = nil,
        endsAt: Timestamp? = nil,
        state: State = .active
    ) -> Coupon {
        Coupon(
            id: CouponID(id)!,
            name: id,
            codeDigest: .right,
            price: price,
            total: total,
            redeemed: redeemed,
            startsAt: startsAt,
            endsAt: endsAt,
            state: state
        )
    }
}

extension CodeDigest {
    public static let right = CodeDigest(bytes: Array(repeating: 0xA5, count: 32))!
    public static let wrong = CodeDigest(bytes: Array(repeating: 0x5A, count: 32))!
}

extension TestUser {
    /// A request of this user, by default with the right code and as no other request.
    public func request(
        _ coupon: CouponID,
        code: CodeDigest = .right,
        tail: UUIDv7.Tail = .random(),
        mayBeRepeat: Bool = true,
        durability: Durability = .local
    ) -> RedeemRequest {
        RedeemRequest(
            user: id,
            session: session,
            coupon: coupon,
            codeDigest: code,
            tail: tail,
            mayBeRepeat: mayBeRepeat,
            durability: durability
        )
    }
}

extension ShardStore {
    /// For tests without a Postgres that could have written the entry.
    public func applyControl(_ entry: ControlEntry, epoch: Epoch) async throws(RedisError) -> ApplyControlReply {
        try await applyControl(entry, mark: 0, epoch: epoch)
    }

    public func writeShard(epoch: Epoch, control: Int) async throws(RedisError) {
        try await writeShard(epoch: epoch, control: control, mark: 0)
    }
}
