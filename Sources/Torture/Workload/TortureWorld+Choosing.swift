internal import Domain
internal import LoadGenerator
internal import Synchronization

extension TortureWorld {
    /// A request to be sent.
    struct Request {
        let what: Attempt.What
        /// The token that the request carries: an access token or a refresh token.
        var token: [UInt8] = []
        /// `true`: the request names the coupon by its code.
        var byCode = false
    }

    /// The request that comes next.
    func choose() -> Request? { state.withLock { $0.choose(at: .now()) } }

    /// Whether no request is left to be cleared up.
    var isResolved: Bool { state.withLock { $0.unresolved?.isEmpty == true } }
}

extension TortureWorld.State {
    /// How many of a thousand requests are of a kind.
    private enum Share {
        static let retry = 300
        static let replay = 60
        static let login = 30
        static let refresh = 60
        static let oldToken = 4
        static let revoke = 25
        static let revokeAll = 3
        static let ended = 20
        static let guess = 6
    }

    /// Sometimes a redemption is repeated without need. It is one of the latest so many.
    private static let recentKeys = 2_000
    /// Most redemptions are of the newest so many coupons.
    private static let newestCoupons = 6
    private static let newestShare = 60

    mutating func choose(at now: Moment) -> TortureWorld.Request? {
        if unresolved != nil { return chooseUnresolved() }
        if let due = retries.first(where: { $0.due <= now }), chance(Share.retry, of: 1000) {
            retries.removeAll { $0 == due }
            if let request = redeem(key: due.key) { return request }
        }
        // A request that needs a session becomes a login if the user has none.
        let user = Int.random(in: 0..<clients.count, using: &random)
        var turn = Int.random(in: 0..<1000, using: &random)
        func isTurn(_ share: Int) -> Bool {
            defer { turn -= share }
            return turn >= 0 && turn < share
        }
        if isTurn(Share.replay), let key = recentKey() { return redeem(key: key) }
        if isTurn(Share.ended), let old = ended.randomElement(using: &random) { return redeem(under: old) }
        guard let login = clients[user].login, !isTurn(Share.login) else { return logIn(user) }
        if isTurn(Share.refresh) || login.mustRefresh { return refresh(user, login.refresh) }
        if isTurn(Share.oldToken), let old = login.older.first { return refresh(user, old) }
        if isTurn(Share.revoke) { return TortureWorld.Request(what: .revoke(session: login.session), token: login.access) }
        if isTurn(Share.revokeAll) { return revokeAll() }
        let coupon = chooseCoupon()
        guard let coupon else { return nil }
        keys.append(TortureWorld.Key(user: user, coupon: coupon))
        let key = keys.count - 1
        if isTurn(Share.guess) {
            return TortureWorld.Request(
                what: .guess(user: user, coupon: coupon, key: key, session: login.session),
                token: login.access
            )
        }
        var request = redeem(key: key)
        request?.byCode = chance(1, of: 20)
        return request
    }

    private mutating func chance(_ share: Int, of whole: Int) -> Bool { Int.random(in: 0..<whole, using: &random) < share }

    private mutating func chooseCoupon() -> Int? {
        let newest = onSale.suffix(TortureWorld.State.newestCoupons)
        return chance(TortureWorld.State.newestShare, of: 100)
            ? newest.randomElement(using: &random) : onSale.randomElement(using: &random)
    }

    private mutating func recentKey() -> Int? {
        guard !keys.isEmpty else { return nil }
        return Int.random(in: max(0, keys.count - TortureWorld.State.recentKeys)..<keys.count, using: &random)
    }

    /// `nil` if this user is being logged in already.
    private mutating func logIn(_ user: Int) -> TortureWorld.Request? {
        guard !clients[user].isLoggingIn else { return nil }
        clients[user].isLoggingIn = true
        return TortureWorld.Request(what: .login(user: user))
    }

    /// The first request with a key, or a repeated one.
    private mutating func redeem(key: Int) -> TortureWorld.Request? {
        let (user, coupon) = (keys[key].user, keys[key].coupon)
        guard let login = clients[user].login else { return logIn(user) }
        if login.mustRefresh { return refresh(user, login.refresh) }
        return TortureWorld.Request(
            what: .redeem(user: user, coupon: coupon, key: key, session: login.session),
            token: login.access
        )
    }

    private func refresh(_ user: Int, _ token: [UInt8]) -> TortureWorld.Request? {
        guard let login = clients[user].login else { return nil }
        return TortureWorld.Request(what: .refresh(session: login.session, token: Attempt.mark(token)), token: token)
    }

    /// A redemption under a session that was ended, which must be refused.
    private mutating func redeem(under old: TortureWorld.Ended) -> TortureWorld.Request? {
        guard let coupon = chooseCoupon() else { return nil }
        keys.append(TortureWorld.Key(user: old.user, coupon: coupon))
        return TortureWorld.Request(
            what: .redeem(user: old.user, coupon: coupon, key: keys.count - 1, session: old.session),
            token: old.access
        )
    }

    private mutating func revokeAll() -> TortureWorld.Request? {
        guard let admin = clients[TortureWorld.admin].login else { return logIn(TortureWorld.admin) }
        if admin.mustRefresh { return refresh(TortureWorld.admin, admin.refresh) }
        let user = Int.random(in: 1..<clients.count, using: &random)
        return TortureWorld.Request(what: .revokeAll(user: user), token: admin.access)
    }

    private mutating func chooseUnresolved() -> TortureWorld.Request? {
        unresolved?.removeAll { !keys[$0].isOpen }
        guard let key = unresolved?.randomElement(using: &random) else { return nil }
        return redeem(key: key)
    }
}

extension Attempt {
    /// A mark that stands for a refresh token in the history (FNV-1a). The token itself is a secret, and long.
    static func mark(_ token: some Sequence<UInt8>) -> UInt64 {
        token.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
