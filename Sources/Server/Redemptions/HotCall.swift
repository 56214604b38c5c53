import NIOCore
import NIOHTTP1

/// What is kept of a request until its answer is written.
package struct HotCall {
    let started: NIODeadline
    let requestID: RequestID
    /// What the answer says of it. It ends behind an answer that says `close`.
    var connection: Connection
    /// Whether it was meant for the hot route. Others are here only to be refused, and are not counted with the redemptions.
    let isRedemption: Bool

    package enum Connection {
        case keepAlive
        /// HTTP/1.0 wants to be told.
        case keepAliveSaid
        case close
    }
}

extension HotCall {
    init(_ plain: PlainRedemption, now: NIODeadline, newID: () -> RequestID) {
        self.init(
            started: now,
            requestID: plain.text.requestID ?? newID(),
            connection: .keepAlive,
            isRedemption: true
        )
    }

    /// Of a request that is refused unread; the connection closes.
    init(refusing head: HTTPRequestHead, now: NIODeadline, newID: () -> RequestID) {
        self.init(
            started: now,
            requestID: CollectedRedemption(head.headers).requestID ?? newID(),
            connection: .close,
            isRedemption: false
        )
    }
}
