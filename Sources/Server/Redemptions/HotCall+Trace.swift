import HotPath
import Logging
import NIOCore

// A redemption has two lines in the log, at level `debug`, both with the request's id. With one line the request would have to be
// kept until it is answered.
extension HotCall {
    func trace(_ request: RedeemRequest, to logger: Logger) {
        logger.debug(
            "asked to redeem",
            metadata: [
                "request_id": "\(requestID)", "coupon": "\(request.coupon)", "user": "\(request.user)",
                "session": "\(request.session)",
            ]
        )
    }

    func trace(_ answer: RedemptionAnswer, to logger: Logger) {
        logger.debug("answered", metadata: ["request_id": "\(requestID)", "outcome": "\(answer.outcome)"])
    }
}
