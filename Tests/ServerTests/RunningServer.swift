import Domain
import Foundation
import HotPath
import LocalStack
import Logging
import NIOCore
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import ServiceLifecycle
import Telemetry
import TestSupport

@testable import Credentials
@testable import Server

/// A server that listens, over a Redis and a database of the test's own.
struct RunningServer: Sendable {
    let environment: TestEnvironment
    let configuration: ServerConfiguration
    let ports: ServerPorts
    let group: ServiceGroup

    static let code = "SESAME"
    static let password = "correct horse"

    var digester: CodeDigester { CodeDigester(key: configuration.codeKey) }

    /// A coupon in Postgres. Before `openShard`, or it takes a sync worker to reach Redis.
    func addCoupon(
        _ id: String,
        code: String = code,
        price: Int = 10,
        total: Int = 100,
        startsAt: Timestamp? = nil,
        endsAt: Timestamp? = nil,
        state: Coupon.State = .active
    ) async throws {
        let coupon = Coupon(
            id: CouponID(id)!,
            name: "The \"\(id)\"",
            codeDigest: digester.digest(of: code),
            price: price,
            total: total,
            startsAt: startsAt,
            endsAt: endsAt,
            state: state
        )
        _ = try await environment.postgres.withConnection { try $0.createCoupon(coupon, codeKey: digester.keyID, actor: "test") }
    }

    /// A user in Postgres, with the password.
    @discardableResult
    func addUser(
        _ username: String,
        credit: Int = 100,
        role: Role = .user,
        cost: ScryptCost = .least
    ) async throws -> UserID {
        guard let hash = PasswordHash(password: RunningServer.password, cost: cost)?.description else {
            throw TestFailure("no memory to hash")
        }
        let id = UserID.new()
        let user = NewUser(id: id, username: username, name: username, role: role, passwordHash: hash, credit: credit)
        _ = try await environment.postgres.withConnection { try $0.createUser(user, actor: "test") }
        return id
    }

    /// A session in Redis, without a login, and its access token.
    func token(of user: UserID, session: SessionID? = nil, role: Role = .user) async throws -> String {
        let session = session ?? SessionID.new()
        let refresh = RefreshTokens(key: configuration.codeKey).issue(user: user, session: session)
        let new = NewSession(id: session, user: user, role: role, version: 1, refreshDigest: refresh.digest)
        _ = try await environment.hotPath.sessions.create(new, SessionLimits())
        return AccessTokenSigner(keys: configuration.tokenKeys).sign(user: user, session: session, role: role)
    }

    /// One request on a connection of its own.
    func request(
        _ method: String,
        _ path: String,
        token: String? = nil,
        headers: [String] = [],
        json: String? = nil,
        ops: Bool = false
    ) async throws -> TestResponse {
        try await withClient(ops: ops) { client in
            try await client.request(method, path, token: token, headers: headers, json: json)
        }
    }

    /// Lets each event loop of the server take several turns: what it was about to do to another connection, it has done.
    func takeTurns() async throws {
        for _ in 0..<50 {
            guard try await request("GET", "/livez").status == 200 else { throw TestFailure("the server is not there") }
        }
    }

    func redeem(
        _ coupon: String,
        token: String,
        code: String = code,
        key: String? = nil,
        durability: String? = nil
    ) async throws -> TestResponse {
        try await request(
            "POST",
            "/v1/coupons/\(coupon)/redemptions",
            token: token,
            headers: (key.map { ["Idempotency-Key: \($0)"] } ?? []) + (durability.map { ["Durability: \($0)"] } ?? []),
            json: "{\"code\":\"\(code)\"}"
        )
    }

    func withClient<T: Sendable>(ops: Bool = false, _ body: (TestClient) async throws -> T) async throws -> T {
        let client = try await TestClient.connect(to: ops ? ports.ops : ports.api)
        return try await stopping(client.close) { try await body(client) }
    }
}

/// Runs the body with a server that listens. The shard is closed.
func withServer<T: Sendable>(
    redis options: RedisOptions = RedisOptions(),
    isDurable: Bool = false,
    limits: HotPathLimits = HotPathLimits(),
    commandDeadline: Duration = .seconds(5),
    logger: Logger = testLogger(level: .critical),
    _ change: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (RunningServer) async throws -> T
) async throws -> T {
    var configuration = ServerConfiguration(tokenKeys: TokenKeys(signing: .random()), codeKey: .random())
    configuration.port = 0
    configuration.opsPort = 0
    configuration.passwords.cost = .least
    change(&configuration)
    let chosen = configuration
    return try await withTestEnvironment(
        redis: options,
        isDurable: isDurable,
        limits: limits,
        commandDeadline: commandDeadline
    ) { environment in
        let server = buildServer(
            configuration: chosen,
            hotPath: environment.hotPath,
            postgres: environment.postgres,
            metrics: PrometheusRegistry(),
            eventLoopGroup: environment.eventLoopGroup,
            logger: logger
        )
        let group = ServiceGroup(configuration: .init(services: server.services, logger: logger))
        let running = Task { try await group.run() }
        let result: Result<T, any Error>
        do {
            let ports = try await server.ports()
            let running = RunningServer(environment: environment, configuration: chosen, ports: ports, group: group)
            result = .success(try await body(running))
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        do { try await running.value } catch { if case .success = result { throw error } }
        return try result.get()
    }
}

extension TestResponse {
    /// The body as JSON.
    var object: [String: Any] {
        get throws {
            guard let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] else {
                throw TestFailure("not a JSON object: \(body)")
            }
            return object
        }
    }

    var code: String? { (try? object)?["code"] as? String }
}
