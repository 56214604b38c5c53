import Credentials
import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Persistence
import PostgresClient

extension API {
    /// Redeems a coupon. Only requests in a form that the hot route does not take come here, such as one with an absolute target
    /// (RFC 9112, section 3.2.2).
    @Sendable func redeemCoupon(_ request: Request, _ context: APIContext) async throws -> Response {
        let order = try await order(request)
        guard let coupon = context.parameters.get("coupon", as: CouponID.self) else {
            return respond(.refused(Problem(.couponNotFound)), context)
        }
        return respond(await loops.decide(order.request(of: coupon, randomTail: .random()), on: context.eventLoop), context)
    }

    /// Redeems the coupon that has the code.
    @Sendable func redeemByCode(_ request: Request, _ context: APIContext) async throws -> Response {
        let order = try await order(request)
        let match = try await codes.match(order.codeDigest)
        // Redis is always asked, even if the coupon is known to be sold out. A code that no coupon has is tried on some coupon,
        // and must be counted though that one is sold out.
        func decide(_ coupon: CouponID) async -> RedemptionAnswer {
            await loops.decide(order.request(of: coupon, mayBeRepeat: true, randomTail: .random()), on: context.eventLoop)
        }
        if let coupon = match.coupon { return respond(await decide(coupon), context) }
        // No coupon has this code. It is tried on some coupon all the same, where it is wrong. So the try counts and takes as
        // long as any wrong code, and the answer does not tell whether a code exists.
        guard let decoy = match.decoy else {
            try await requireSession(of: order.caller)
            return respond(.refused(Problem(.wrongCode)), context)
        }
        let answer = await decide(decoy)
        switch answer {
        case .refused(let problem) where problem.code.speaksOfTheCoupon:
            return respond(.refused(Problem(.wrongCode)), context)
        // If it was redeemed, a coupon with this very code was created since.
        case .refused, .redeemed: return respond(answer, context)
        }
    }

    @Sendable func showRedemption(_ request: Request, _ context: APIContext) async throws -> RedemptionView {
        let caller = try await caller(request)
        guard let id = context.parameters.get("redemption", as: RedemptionID.self) else { throw Problem(.redemptionNotFound) }
        // Redis is read first, as for the list.
        let live = try await hotPath.store(for: caller.user).redemptions(of: caller.user) ?? [:]
        if let landed = try await postgres.withConnection({ try $0.redemption(id: id) }) {
            // A redemption of another user is answered as if it did not exist.
            guard landed.user == caller.user else { throw Problem(.redemptionNotFound) }
            return RedemptionView(landed, .confirmed)
        }
        guard let coupon = live.first(where: { $0.value == id })?.key, let price = try await coupons.coupon(coupon)?.price else {
            throw Problem(.redemptionNotFound)
        }
        return RedemptionView(Redemption(id: id, user: caller.user, coupon: coupon, price: price), .held)
    }

    /// Reads and judges a redemption. It does not check the session, which the decision does.
    private func order(_ request: Request) async throws -> RedemptionOrder {
        var collected = CollectedRedemption(request.headers.lazy.map { (name: $0.name.rawName, value: $0.value) })
        collected.append(body: try await request.body.collect(upTo: limits.bodyBytes))
        do throws(Problem) {
            return try collected.judged(by: judge)
        } catch {
            metrics.count(.refused(error))
            throw error
        }
    }

    private func respond(_ answer: RedemptionAnswer, _ context: APIContext) -> Response {
        metrics.count(answer)
        switch answer {
        case .redeemed(let redemption, let replayed, let durability):
            var headers = HTTPFields()
            RedemptionAnswer.forEachHeader(location: "\(redemption.id)", replayed: replayed) { headers.add($0, $1) }
            let text = RedemptionJSON.text(redemption, durability)
            return Response(status: .created, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        case .refused(let problem):
            return Response(problem, requestID: context.requestID)
        }
    }
}

extension ProblemCode {
    /// True if the problem would tell of a coupon that the client did not name.
    fileprivate var speaksOfTheCoupon: Bool {
        switch self {
        case .couponNotFound, .couponNotStarted, .couponPaused, .couponEnded, .alreadyRedeemed, .soldOut, .insufficientCredit:
            true
        case .malformedRequest, .invalidBody, .invalidParameter, .idempotencyKeyInvalid, .durabilityInvalid, .notFound,
            .methodNotAllowed, .requestTimeout, .bodyTooLarge, .unsupportedMediaType, .headersTooLarge, .invalidCredentials,
            .tooManyLogins, .tokenInvalid, .tokenExpired, .sessionRevoked, .refreshTokenInvalid, .refreshTokenReused, .forbidden,
            .sessionNotFound, .userNotFound, .redemptionNotFound, .wrongCode, .tooManyAttempts, .internal, .shardClosed,
            .outcomeUnknown, .redisUnavailable, .ledgerUnavailable, .durabilityUnavailable, .overloaded, .backlogFull, .notReady:
            false
        }
    }
}
