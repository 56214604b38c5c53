internal import Credentials
internal import Domain
internal import Persistence
internal import PostgresClient

/// Six users and five coupons with which every refusal can be seen.
enum DemoData {
    static let password = "redeem-demo"

    struct DemoUser {
        let username: String
        let name: String
        let credit: Int
        let role: Role
        let shows: String
    }

    struct DemoCoupon {
        let id: String
        let name: String
        let code: String
        let price: Int
        let total: Int
        var starts: Timestamp?
        var ends: Timestamp?
        var state = Coupon.State.active
        let shows: String
    }

    static let users = [
        DemoUser(username: "ada", name: "Ada", credit: 100, role: .user, shows: "can buy anything that is on sale"),
        DemoUser(username: "ben", name: "Ben", credit: 60, role: .user, shows: "can buy `last-seat` once"),
        DemoUser(username: "cleo", name: "Cleo", credit: 50, role: .user, shows: "the next one after `last-seat`: sold_out"),
        DemoUser(username: "dan", name: "Dan", credit: 10, role: .user, shows: "one `welcome`, and nothing more"),
        DemoUser(username: "eve", name: "Eve", credit: 0, role: .user, shows: "insufficient_credit"),
        DemoUser(username: "admin", name: "Admin", credit: 1_000, role: .admin, shows: "an operator"),
    ]

    static let coupons = [
        DemoCoupon(
            id: "welcome",
            name: "Welcome gift",
            code: "WELCOME-10",
            price: 10,
            total: 1_000,
            shows: "201; again: already_redeemed"
        ),
        DemoCoupon(
            id: "last-seat",
            name: "The last seat",
            code: "SEAT-50",
            price: 50,
            total: 1,
            shows: "201 for one user, then sold_out"
        ),
        DemoCoupon(
            id: "summer",
            name: "Summer sale",
            code: "SUMMER-5",
            price: 5,
            total: 100,
            starts: Timestamp(milliseconds: 1_717_200_000_000),
            ends: Timestamp(milliseconds: 1_725_148_800_000),
            shows: "coupon_ended"
        ),
        DemoCoupon(
            id: "backstage",
            name: "Backstage",
            code: "BACKSTAGE-20",
            price: 20,
            total: 10,
            state: .paused,
            shows: "coupon_paused"
        ),
        DemoCoupon(
            id: "jubilee",
            name: "Jubilee",
            code: "JUBILEE-1",
            price: 1,
            total: 50,
            starts: Timestamp(milliseconds: 4_070_908_800_000),
            shows: "coupon_not_started (before 2099)"
        ),
    ]

    /// Creates the users and coupons that are missing. Throws `WrongServiceKey`.
    static func seed(_ postgres: PostgresClient, digester: CodeDigester, hasher: PasswordHasher) async throws {
        for demo in users {
            guard try await postgres.withConnection({ try $0.user(username: demo.username) }) == nil else { continue }
            let new = NewUser(
                id: UserID.new(),
                username: demo.username,
                name: demo.name,
                role: demo.role,
                passwordHash: try await hasher.hash(password),
                credit: demo.credit
            )
            _ = try await postgres.withConnection { try $0.createUser(new, actor: "demo") }
        }
        for demo in coupons {
            guard let id = CouponID(demo.id) else { preconditionFailure("'\(demo.id)' is not a coupon id") }
            let coupon = Coupon(
                id: id,
                name: demo.name,
                codeDigest: digester.digest(of: demo.code),
                price: demo.price,
                total: demo.total,
                startsAt: demo.starts,
                endsAt: demo.ends,
                state: demo.state
            )
            try await postgres.withConnection { connection in
                guard try connection.coupon(id) == nil else { return }
                _ = try connection.createCoupon(coupon, codeKey: digester.keyID, actor: "demo")
            }
        }
    }
}
