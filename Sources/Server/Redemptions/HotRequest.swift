import Domain
import HotPath
import NIOCore
import NIOHTTP1

/// A redemption as it is being read. What its head says is judged when the head is there; the first thing that is wrong is what
/// the client will be told, once the body has been read too.
struct HotRequest {
    let started: NIODeadline
    let requestID: String
    let connection: Connection
    /// Whether it was meant for the hot route. Others are here only to be refused, and are not counted with the redemptions.
    let isRedemption: Bool
    private(set) var problem: Problem?
    private var caller: AccessToken?
    private var coupon: CouponID?
    private var idempotencyKey: String?
    private var body: ByteBuffer?

    enum Connection {
        case keepAlive
        /// HTTP/1.0 wants to be told.
        case keepAliveSaid
        case close
    }

    init(
        _ head: HTTPRequestHead,
        coupon: Substring,
        now: NIODeadline,
        verifier: AccessTokenVerifier,
        requestID: () -> String
    ) {
        started = now
        isRedemption = true
        let fields = Fields(head.headers)
        connection = head.isKeepAlive ? (head.version == .http1_0 ? .keepAliveSaid : .keepAlive) : .close
        self.requestID = fields.requestID ?? requestID()
        idempotencyKey = fields.idempotencyKey
        do throws(Problem) {
            caller = try verifier.caller(authorization: fields.authorization, times: fields.authorizations)
            guard fields.isJSON else { throw Problem(.unsupportedMediaType) }
            guard fields.hasValidIdempotencyKey else { throw Problem(.idempotencyKeyInvalid) }
            guard let id = CouponID(String(coupon)) else { throw Problem(.couponNotFound) }
            self.coupon = id
        } catch {
            problem = error
        }
    }

    /// A request that is refused whatever else it says.
    init(_ head: HTTPRequestHead, refused problem: Problem, now: NIODeadline, requestID: () -> String) {
        started = now
        self.requestID = Fields(head.headers).requestID ?? requestID()
        connection = .close
        isRedemption = false
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
    func finished(digester: CodeDigester) throws(Problem) -> RedeemRequest {
        if let problem { throw problem }
        guard let caller, let coupon else { preconditionFailure("neither a problem nor a request") }
        let code = try RedemptionBody.code(in: body ?? ByteBuffer())
        return RedeemRequest(
            user: caller.user,
            session: caller.session,
            coupon: coupon,
            codeDigest: digester.digest(of: code),
            tail: IdempotencyKey.tail(user: caller.user, coupon: coupon, key: idempotencyKey)
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
        var requestID: String?
        var isJSON = true

        init(_ headers: HTTPHeaders) {
            for (name, value) in headers {
                // The length tells most of them apart.
                switch name.utf8.count {
                case 12:
                    if name.matches("content-type") {
                        isJSON = MediaType.isJSON(value)
                    } else if name.matches("x-request-id"), RequestID.isAcceptable(value) {
                        requestID = value
                    }
                case 13:
                    guard name.matches("authorization") else { continue }
                    authorization = value
                    authorizations += 1
                case 15:
                    guard name.matches("idempotency-key") else { continue }
                    hasValidIdempotencyKey = hasValidIdempotencyKey && idempotencyKey == nil && IdempotencyKey.isValid(value)
                    idempotencyKey = value
                default: continue
                }
            }
        }
    }
}

extension String {
    /// Whether this is the name of the field, in any case.
    fileprivate func matches(_ lowercased: StaticString) -> Bool {
        let bytes = UnsafeBufferPointer(start: lowercased.utf8Start, count: lowercased.utf8CodeUnitCount)
        return utf8.elementsEqual(bytes) { byte, expected in
            byte == expected || ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte | 0x20 == expected)
        }
    }
}
