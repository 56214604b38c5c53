import Credentials
import Domain
import HotPath
import LocalStack
import Logging
import NIOPosix
import Persistence
import PostgresClient
import RedisClient
import TestSupport
import Testing

@testable import Torture
@testable import redeem

/// Whatever makes a coupon compares the code key: the demo data, the users and coupon of a load test, and torture too.
@Suite struct CodeKeyTests {
    @Test func noCouponIsMadeUnderAnotherKey() async throws {
        try await Product.with { product in
            let url = product.environment["REDEEM_POSTGRES_URL"] ?? ""
            let postgres = PostgresClient(configuration: PostgresConfiguration(url: url), logger: testLogger())
            let digester = CodeDigester(key: .random())
            let hasher = PasswordHasher(configuration: PasswordHasher.Configuration())
            let client = RedisClient(
                configuration: try .forTests(product.redis.url),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger()
            )
            try await stopping({
                await hasher.close()
                await postgres.close()
                await client.close()
            }) {
                for demo in DemoData.users { try await postgres.withConnection { try create(demo.username, $0) } }
                await #expect(throws: WrongServiceKey.self) {
                    try await DemoData.seed(postgres, digester: digester, hasher: hasher)
                }
                await #expect(throws: WrongServiceKey.self) {
                    _ = try await TortureOperators.prepare(10, seed: 1, postgres: postgres, digester: digester)
                }
                let seeder = BulkSeeder(
                    postgres: postgres,
                    codeKey: digester.keyID,
                    signer: AccessTokenSigner(keys: TokenKeys(signing: .random()), parties: .standard, lifetimeSeconds: 60),
                    refreshTokens: RefreshTokens(key: .random()),
                    credit: 1,
                    sessionLifetime: .seconds(60)
                )
                let coupon = Coupon(id: CouponID("x")!, name: "x", codeDigest: digester.digest(of: "x"), price: 1, total: 1)
                await #expect(throws: WrongServiceKey.self) {
                    let files = SeedFiles(tokens: "\(product.folder)/tokens")
                    try await seeder.run(users: 1, coupon: coupon, hotPath: HotPath(client: client), files: files)
                }
                let coupons = try await postgres.withConnection { try $0.allCoupons().count }
                #expect(coupons == 0)
            }
        }
    }

    /// One that is there already costs no hash.
    private func create(_ username: String, _ connection: PostgresConnection) throws {
        let id = UserID.new()
        let user = NewUser(id: id, username: username, name: username, role: .user, passwordHash: "!", credit: 0)
        _ = try connection.createUser(user, actor: "test")
    }
}
