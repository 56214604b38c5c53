import Credentials
import Domain
import HotPath
import NIOCore
import NIOHTTP1

/// What of a request matters until its answer has left.
package struct HotCall {
    let started: NIODeadline
    let requestID: RequestID
    let connection: Connection
    /// Whether it was meant for the hot route. Others are here only to be refused, and are not counted with the redemptions.
    let isRedemption: Bool

    package enum Connection {
        case keepAlive
        /// HTTP/1.0 wants to be told.
        case keepAliveSaid
        case close
    }
}

/// A redemption as it is being read by NIO's decoder. What its head says is judged when the head is there; the first thing that is
/// wrong is what the client will be told, once the body has been read too.
struct HotRequest {
    let call: HotCall
    private(set) var problem: Problem?
    private var caller: AccessToken?
    private var coupon: CouponID?
    private var idempotencyKey: String?
    private var durability: Durability
    private var body: ByteBuffer?

    init(_ head: HTTPRequestHead, coupon: Substring, now: NIODeadline, services: LoopServices) {
        let fields = Fields(head.headers)
        call = HotCall(
            started: now,
            requestID: fields.requestID ?? services.requestID(),
            connection: head.mayBeFollowed ? (head.version == .http1_0 ? .keepAliveSaid : .keepAlive) : .close,
            isRedemption: true
        )
        idempotencyKey = fields.idempotencyKey
        durability = services.durability
        do throws(Problem) {
            caller = try services.verifier.caller(authorization: fields.authorization, times: fields.authorizations)
            guard fields.isJSON else { throw Problem(.unsupportedMediaType) }
            guard fields.hasValidIdempotencyKey else { throw Problem(.idempotencyKeyInvalid) }
            guard fields.durabilities <= 1 else { throw Problem(.durabilityInvalid) }
            durability = try services.durability.raised(by: fields.durability)
            guard let id = CouponID(String(coupon)) else { throw Problem(.couponNotFound) }
            self.coupon = id
        } catch {
            problem = error
        }
    }

    /// A request that is refused whatever else it says.
    init(_ head: HTTPRequestHead, refused problem: Problem, now: NIODeadline, services: LoopServices) {
        call = HotCall(
            started: now,
            requestID: Fields(head.headers).requestID ?? services.requestID(),
            connection: .close,
            isRedemption: false
        )
        durability = services.durability
        self.problem = problem
    }

    /// Takes a part of the body.
    /// - Returns: whether the body is still within `limit` bytes.
    mutating func append(_ part: ByteBuffer, limit: Int) -> Bool {
        var part = part
        guard (body?.readableBytes ?? 0) + part.readableBytes <= limit else { return false }
        if body == nil { body = part } else { body?.writeBuffer(&part) }
        return true
    }

    /// What to ask of Redis, after the last of the body.
    func finished(services: LoopServices) throws(Problem) -> RedeemRequest {
        if let problem { throw problem }
        guard let caller, let coupon else { preconditionFailure("neither a problem nor a request") }
        return RedeemRequest(
            user: caller.user,
            session: caller.session,
            coupon: coupon,
            codeDigest: try RedemptionBody.digest(in: body ?? ByteBuffer(), by: services.digester),
            tail: idempotencyKey.map { IdempotencyKey.tail(user: caller.user, coupon: coupon, key: $0) } ?? services.randomTail(),
            mayBeRepeat: idempotencyKey != nil,
            durability: durability
        )
    }
}

extension PlainRedemption {
    func call(now: NIODeadline, services: LoopServices) -> HotCall {
        let sent = requestID.flatMap { RequestID(acceptable: String(decoding: $0, as: UTF8.self)) }
        return HotCall(started: now, requestID: sent ?? services.requestID(), connection: .keepAlive, isRedemption: true)
    }

    /// What to ask of Redis: found in the order of `HotRequest`, so that both tell a client the same.
    func request(services: LoopServices) throws(Problem) -> RedeemRequest {
        guard let authorization else { throw .noToken }
        let caller = try services.verifier.caller(authorization: authorization)
        if let contentType, !MediaType.isJSON(String(decoding: contentType, as: UTF8.self)) {
            throw Problem(.unsupportedMediaType)
        }
        if let idempotencyKey, !IdempotencyKey.isValid(idempotencyKey) { throw Problem(.idempotencyKeyInvalid) }
        let durability = try services.durability.raised(by: durability.map { String(decoding: $0, as: UTF8.self) })
        guard let coupon = CouponID(String(decoding: coupon, as: UTF8.self)) else { throw Problem(.couponNotFound) }
        return RedeemRequest(
            user: caller.user,
            session: caller.session,
            coupon: coupon,
            codeDigest: try RedemptionBody.digest(in: body, by: services.digester),
            tail: idempotencyKey.map { IdempotencyKey.tail(user: caller.user, coupon: coupon, key: $0) }
                ?? services.randomTail(),
            mayBeRepeat: idempotencyKey != nil,
            durability: durability
        )
    }
}

extension HotRequest {
    /// The header fields that matter here, found in one pass.
    private struct Fields {
        var authorization: String?
        var authorizations = 0
        var idempotencyKey: String?
        var hasValidIdempotencyKey = true
        var durability: String?
        var durabilities = 0
        var requestID: RequestID?
        var isJSON = true
        // Of two, neither counts.
        private var types = 0
        private var ids = 0

        init(_ headers: HTTPHeaders) {
            for (name, value) in headers {
                func isName(_ text: StaticString) -> Bool { text.matches(name) }
                // The length tells most of them apart.
                switch name.utf8.count {
                case 10:
                    guard isName("durability") else { continue }
                    durability = value
                    durabilities += 1
                case 12:
                    if isName("content-type") {
                        types += 1
                        isJSON = types == 1 && MediaType.isJSON(value)
                    } else if isName("x-request-id") {
                        ids += 1
                        requestID = ids == 1 ? RequestID(acceptable: value) : nil
                    }
                case 13:
                    guard isName("authorization") else { continue }
                    authorization = value
                    authorizations += 1
                case 15:
                    guard isName("idempotency-key") else { continue }
                    hasValidIdempotencyKey = hasValidIdempotencyKey && idempotencyKey == nil && IdempotencyKey.isValid(value)
                    idempotencyKey = value
                default: continue
                }
            }
        }
    }
}
