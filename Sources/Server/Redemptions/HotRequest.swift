import Credentials
import Domain
import HotPath
import NIOCore
import NIOHTTP1

/// A redemption as it is being read by NIO's decoder.
struct HotRequest {
    let call: HotCall
    private let coupon: Substring
    private var collected: CollectedRedemption

    init(_ head: HTTPRequestHead, coupon: Substring, now: NIODeadline, newID: () -> RequestID) {
        self.coupon = coupon
        collected = CollectedRedemption(head.headers)
        call = HotCall(
            started: now,
            requestID: collected.requestID ?? newID(),
            connection: head.mayBeFollowed ? (head.version == .http1_0 ? .keepAliveSaid : .keepAlive) : .close,
            isRedemption: true
        )
    }

    /// Takes a part of the body.
    /// - Returns: true if the body is still within `limit` bytes.
    mutating func append(_ part: ByteBuffer, limit: Int) -> Bool {
        guard collected.bodyBytes + part.readableBytes <= limit else { return false }
        collected.append(body: part)
        return true
    }

    /// The request to Redis, once the whole body is here.
    func asked(_ services: LoopServices) throws(Problem) -> RedeemRequest {
        try services.asked(try collected.judged(by: services.judge), coupon)
    }
}

extension PlainRedemption {
    /// The request to Redis.
    func asked(_ services: LoopServices) throws(Problem) -> RedeemRequest {
        try services.asked(try services.judge.judge(text), String(decoding: coupon, as: UTF8.self))
    }
}

extension LoopServices {
    /// - Parameter coupon: the coupon's part of the path.
    fileprivate func asked(_ order: RedemptionOrder, _ coupon: some StringProtocol) throws(Problem) -> RedeemRequest {
        guard let coupon = CouponID(String(coupon)) else { throw Problem(.couponNotFound) }
        return order.request(of: coupon, randomTail: randomTail())
    }
}
