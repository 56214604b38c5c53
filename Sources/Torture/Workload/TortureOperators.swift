internal import Credentials
internal import Domain
internal import LoadGenerator
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Synchronization

/// The people behind the sale. They create, pause, resume and restock coupons and grant credit, as `redeem coupon` and `redeem
/// user credit` do, and note the answers.
struct TortureOperators: Sendable {
    /// The beginning of an actor's name. Each operation has an actor of its own, so that the control log tells which operations
    /// took effect.
    static let actor = "torture-"

    private static let pause: Duration = .milliseconds(120)
    /// One operation of so many creates a coupon.
    private static let createEvery = 30
    private static let firstCoupons = 8
    private static let totals = [5, 50, 500, 5_000]
    private static let prices = 1...8
    private static let restocks = 1...50
    private static let grants = 1...60
    /// The most coupons that are paused at once.
    private static let pausedAtMost = 3

    let world: TortureWorld
    let postgres: PostgresClient
    let digester: CodeDigester

    /// Creates the users and the first coupons. Throws `WrongServiceKey` if the servers have another code key.
    static func prepare(
        _ users: Int,
        credit: Int = TortureWorld.credit,
        seed: UInt64,
        postgres: PostgresClient,
        digester: CodeDigester
    ) async throws -> TortureOperators {
        var passwords = PasswordHasher.Configuration()
        passwords.cost = ScryptCost(logarithm: 4, blockSize: passwords.cost.blockSize, parallelism: passwords.cost.parallelism)
        let hasher = PasswordHasher(configuration: passwords)
        let hash = try await hasher.hash(TortureWorld.password)
        await hasher.close()
        let new = (0..<users).map { number in
            NewUser(
                id: UserID.new(),
                username: TortureWorld.username(number),
                name: TortureWorld.username(number),
                role: number == TortureWorld.admin ? .admin : .user,
                passwordHash: hash,
                credit: credit
            )
        }
        try await postgres.withConnection { connection in
            try connection.claimKey(.code, ids: [digester.keyID], actor: "torture")
            try connection.createUsers(new, actor: "torture")
        }
        let world = TortureWorld(users: new.map(\.id), credit: credit, seed: seed)
        let operators = TortureOperators(world: world, postgres: postgres, digester: digester)
        var random = SplitMix64(seed: seed, sequence: 1)
        for _ in 0..<firstCoupons { await operators.create(&random) }
        return operators
    }

    /// Runs until it is cancelled.
    func run(seed: UInt64) async {
        var random = SplitMix64(seed: seed, sequence: 2)
        var paused: Set<Int> = []
        var turn = 0
        while !Task.isCancelled {
            guard world.beginOperation() else {
                try? await Task.sleep(for: TortureOperators.pause)
                continue
            }
            turn += 1
            let coupon = world.anyCoupon(&random)
            switch Int.random(in: 0..<100, using: &random) {
            case _ where turn % TortureOperators.createEvery == 0: await create(&random)
            case 0..<20:
                if let old = paused.randomElement(using: &random),
                    paused.count > TortureOperators.pausedAtMost || Bool.random(using: &random)
                {
                    paused.remove(old)
                    await perform(.resume(coupon: old)) { connection, actor in
                        _ = try connection.setCouponState(TortureWorld.couponID(old), .active, actor: actor)
                    }
                } else {
                    paused.insert(coupon)
                    await perform(.pause(coupon: coupon)) { connection, actor in
                        _ = try connection.setCouponState(TortureWorld.couponID(coupon), .paused, actor: actor)
                    }
                }
            case 20..<40:
                let amount = Int.random(in: TortureOperators.restocks, using: &random)
                await perform(.restock(coupon: coupon, amount: amount)) { connection, actor in
                    _ = try connection.restockCoupon(TortureWorld.couponID(coupon), by: amount, actor: actor)
                }
            default:
                let user = Int.random(in: 0..<world.userCount, using: &random)
                let amount = Int.random(in: TortureOperators.grants, using: &random)
                let id = world.userID(user)
                await perform(.grant(user: user, amount: amount)) { connection, actor in
                    _ = try connection.grantCredit(to: id, amount: amount, reason: "torture", actor: actor)
                }
            }
            world.endOperation()
            try? await Task.sleep(for: TortureOperators.pause)
        }
    }

    private func create(_ random: inout SplitMix64) async {
        let price = Int.random(in: TortureOperators.prices, using: &random)
        let total = TortureOperators.totals.randomElement(using: &random) ?? 1
        let number = world.newCoupon(price: price, total: total)
        let coupon = Coupon(
            id: TortureWorld.couponID(number),
            name: "torture",
            codeDigest: digester.digest(of: TortureWorld.code(number)),
            price: price,
            total: total
        )
        let isDone = await perform(.create(coupon: number)) { connection, actor in
            _ = try connection.createCoupon(coupon, codeKey: digester.keyID, actor: actor)
        }
        if isDone { world.announce(number) }
    }

    /// - Returns: whether the operation was confirmed as done.
    @discardableResult
    private func perform(
        _ operation: Attempt.Operation,
        _ body: @escaping @Sendable (PostgresConnection, String) throws -> Void
    ) async -> Bool {
        let number = world.newOperation()
        let started = Moment.now()
        var outcome = Attempt.Outcome.done
        do {
            try await postgres.withConnection { try body($0, "\(TortureOperators.actor)\(number)") }
        } catch let error as WrongServiceKey {
            outcome = .refused(error.problem)
        } catch let error as PostgresError {
            outcome = error.outcomeIsUnknown ? .unknown(error.code.description) : .refused(error.code.description)
        } catch {
            outcome = .refused("cancelled")
        }
        world.add(Attempt(.operate(operation, number: number), started: started, ended: .now(), outcome))
        return outcome == .done
    }
}

extension TortureWorld {
    /// Returns when no operation is under way. None begins until `letOperatorsAct`.
    func letOperatorsRest() async {
        state.withLock { $0.operatorsRest = true }
        while state.withLock({ $0.isOperating }) { try? await Task.sleep(for: .milliseconds(5)) }
    }

    func letOperatorsAct() { state.withLock { $0.operatorsRest = false } }

    /// - Returns: `false` while operators rest.
    fileprivate func beginOperation() -> Bool {
        state.withLock { state in
            state.isOperating = !state.operatorsRest
            return state.isOperating
        }
    }

    fileprivate func endOperation() { state.withLock { $0.isOperating = false } }

    var userCount: Int { state.withLock { $0.clients.count } }

    func userID(_ number: Int) -> UserID { state.withLock { $0.history.users[number] } }

    fileprivate func anyCoupon(_ random: inout SplitMix64) -> Int {
        let count = state.withLock { $0.onSale.count }
        guard count > 0 else { return 0 }
        let place = Int.random(in: 0..<count, using: &random)
        return state.withLock { $0.onSale[place] }
    }

    fileprivate func newCoupon(price: Int, total: Int) -> Int {
        state.withLock { state in
            let number = state.history.coupons.count
            state.history.coupons.append(History.Coupon(id: TortureWorld.couponID(number), price: price, total: total))
            return number
        }
    }

    fileprivate func announce(_ coupon: Int) { state.withLock { $0.onSale.append(coupon) } }

    fileprivate func newOperation() -> Int {
        state.withLock { state in
            state.operations += 1
            return state.operations
        }
    }
}
