import NIOCore
import NIOHTTP1

/// The facts about a request that are kept until its answer is written.
package struct HotCall {
    let started: NIODeadline
    let requestID: RequestID
    /// What the answer says about the connection, which ends after an answer that says `close`.
    var connection: Connection
    /// True if the request is for the hot route. Other requests are here only to be refused, and do not count as redemptions.
    let isRedemption: Bool

    package enum Connection {
        case keepAlive
        /// A client of HTTP/1.0 has to be told.
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

    /// For a request that is refused unread. The connection closes.
    init(refusing head: HTTPRequestHead, now: NIODeadline, newID: () -> RequestID) {
        self.init(
            started: now,
            requestID: CollectedRedemption(head.headers).requestID ?? newID(),
            connection: .close,
            isRedemption: false
        )
    }
}
