import Credentials
import Domain
import HotPath

/// Says what is wrong with a redemption, or what it asks for. All redemptions are judged here, however they were read, so all clients
/// are told the same.
struct RedemptionJudge: Sendable {
    let verifier: AccessTokenVerifier
    let digester: CodeDigester
    /// The server's own mode, which a request can only raise.
    let durability: Durability

    /// Throws the first fault: of the caller, then of the head, then of the body.
    func judge(_ text: RedemptionText) throws(Problem) -> RedemptionOrder {
        let fields = text.fields
        let caller = try verifier.caller(authorization: text.authorization, isRepeated: fields.authorization.isRepeated)
        if let type = text.contentType {
            guard !fields.contentType.isRepeated, MediaType.isJSON(String(decoding: type, as: UTF8.self)) else {
                throw Problem(.unsupportedMediaType)
            }
        }
        if let key = text.idempotencyKey {
            guard !fields.idempotencyKey.isRepeated, IdempotencyKey.isValid(key) else { throw Problem(.idempotencyKeyInvalid) }
        }
        guard !fields.durability.isRepeated else { throw Problem(.durabilityInvalid) }
        let durability = try durability.raised(by: text.durability.map { String(decoding: $0, as: UTF8.self) })
        return RedemptionOrder(
            caller: caller,
            codeDigest: try RedemptionBody.digest(in: text.body, by: digester),
            idempotencyKey: text.idempotencyKey.map { String(decoding: $0, as: UTF8.self) },
            durability: durability
        )
    }
}

/// The contents of a redemption but for the coupon, which the path or the code names.
struct RedemptionOrder {
    let caller: AccessToken
    let codeDigest: CodeDigest
    let idempotencyKey: String?
    let durability: Durability

    /// The request to Redis.
    /// - Parameters:
    ///   - mayBeRepeat: true if the request may have been accepted before, which only Redis knows; `nil`: if it has a key.
    ///   - randomTail: the tail of the id that a request without a key proposes.
    func request(
        of coupon: CouponID,
        mayBeRepeat: Bool? = nil,
        randomTail: @autoclosure () -> UUIDv7.Tail
    ) -> RedeemRequest {
        RedeemRequest(
            user: caller.user,
            session: caller.session,
            coupon: coupon,
            codeDigest: codeDigest,
            tail: idempotencyKey.map { IdempotencyKey.tail(user: caller.user, coupon: coupon, key: $0) } ?? randomTail(),
            mayBeRepeat: mayBeRepeat ?? (idempotencyKey != nil),
            durability: durability
        )
    }
}
