import Credentials
import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Persistence
import PostgresClient

extension API {
    /// The hot route for requests in a form that it does not take: an absolute path.
    @Sendable func redeemCoupon(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try await read(request)
        guard let coupon = context.parameters.get("coupon", as: CouponID.self) else { throw Problem(.couponNotFound) }
        return respond(await decide(asked, coupon, context), context)
    }

    /// Redeems the coupon that has the code.
    @Sendable func redeemByCode(_ request: Request, _ context: APIContext) async throws -> Response {
        let asked = try await read(request)
        let match = try await codes.match(asked.digest)
        if let coupon = match.coupon { return respond(await decide(asked, coupon, context), context) }
        // No coupon has this code. It is tried on some coupon all the same, where it is wrong: so the try is counted and takes as
        // long as a wrong code takes, and an answer does not tell whether a code exists.
        guard let decoy = match.decoy else {
            try await requireSession(of: asked.caller)
            return respond(.refused(Problem(.wrongCode)), context)
        }
        let answer = await decide(asked, decoy, context)
        switch answer {
        case .refused(let problem) where problem.code.speaksOfTheCoupon:
            return respond(.refused(Problem(.wrongCode)), context)
        // Redeemed: a coupon with this very code was created since.
        case .refused, .redeemed: return respond(answer, context)
        }
    }

    @Sendable func showRedemption(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await caller(request)
        guard let id = context.parameters.get("redemption", as: RedemptionID.self) else { throw Problem(.redemptionNotFound) }
        // Redis first, as in the list.
        let live = try await hotPath.store(for: caller.user).redemptions(of: caller.user) ?? [:]
        if let landed = try await postgres.withConnection({ try $0.redemption(id: id) }) {
            // Somebody else's is as good as none.
            guard landed.user == caller.user else { throw Problem(.redemptionNotFound) }
            return .json(RedemptionJSON.text(landed, status: .confirmed))
        }
        guard let coupon = live.first(where: { $0.value == id })?.key, let price = try await coupons.coupon(coupon)?.price else {
            throw Problem(.redemptionNotFound)
        }
        let held = Redemption(id: id, user: caller.user, coupon: coupon, price: price)
        return .json(RedemptionJSON.text(held, status: .held))
    }

    private struct Asked {
        let caller: AccessToken
        let digest: CodeDigest
        let idempotencyKey: String?
        let durability: Durability
    }

    /// What the hot route reads, in the same order. The session is checked by the decision itself.
    private func read(_ request: Request) async throws -> Asked {
        let authorization = request.headers[values: .authorization]
        let caller = try verifier.caller(authorization: authorization.first, times: authorization.count)
        guard request.isJSON else { throw Problem(.unsupportedMediaType) }
        let keys = request.headers[values: .idempotencyKey]
        guard keys.count <= 1, keys.allSatisfy(IdempotencyKey.isValid) else { throw Problem(.idempotencyKeyInvalid) }
        let asked = request.headers[values: .durability]
        guard asked.count <= 1 else { throw Problem(.durabilityInvalid) }
        let durability = try durability.raised(by: asked.first)
        let digest = try RedemptionBody.digest(in: try await request.body.collect(upTo: limits.bodyBytes), by: digester)
        return Asked(caller: caller, digest: digest, idempotencyKey: keys.first, durability: durability)
    }

    private func decide(_ asked: Asked, _ coupon: CouponID, _ context: APIContext) async -> RedemptionAnswer {
        let request = RedeemRequest(
            user: asked.caller.user,
            session: asked.caller.session,
            coupon: coupon,
            codeDigest: asked.digest,
            tail: asked.idempotencyKey.map { IdempotencyKey.tail(user: asked.caller.user, coupon: coupon, key: $0) } ?? .random(),
            // Always for Redis to say: a code that no coupon has is tried on some coupon, and must be counted though it is
            // sold out.
            mayBeRepeat: true,
            durability: asked.durability
        )
        return await loops.decide(request, on: context.eventLoop)
    }

    private func respond(_ answer: RedemptionAnswer, _ context: APIContext) -> Response {
        metrics.count(answer)
        switch answer {
        case .redeemed(let redemption, let replayed, let durability):
            var headers: HTTPFields = [.location: "/v1/redemptions/\(redemption.id)"]
            if replayed { headers[.idempotentReplayed] = "true" }
            return .json(
                RedemptionJSON.text(redemption, status: .promised(durability), durability: durability),
                status: .created,
                headers: headers
            )
        case .refused(let problem):
            return Response(problem, requestID: context.requestID)
        }
    }
}

extension ProblemCode {
    /// Whether it would tell of a coupon that the client did not ask for.
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
