import Credentials
import Domain
import HotPath
import Logging
import NIOCore

/// The services that the hot route needs and one event loop owns. They are made and used on that loop only.
final class LoopServices {
    /// Decides one request: `RedemptionDecider.decide`. Answers on the loop, at once or later.
    typealias Decide = (RedeemRequest, @escaping (RedemptionAnswer) -> Void) -> Void

    let judge: RedemptionJudge
    let limits: ServerLimits
    let metrics: HTTPMetrics
    let decide: Decide
    /// The log in which each redemption leaves two lines; `nil`: the level of the log is above `debug`.
    let trace: Logger?
    let unfinished: UnfinishedRequests
    private var ids = RequestIDGenerator()
    private var tails = RandomTails()
    private var answers = ByteBuffer()
    private var date = ""
    private var dateSecond: Int64 = -1

    init(
        judge: RedemptionJudge,
        limits: ServerLimits,
        loops: Int = 1,
        metrics: HTTPMetrics,
        logger: Logger,
        decide: @escaping Decide
    ) {
        self.judge = judge
        self.limits = limits
        self.metrics = metrics
        self.decide = decide
        trace = logger.logLevel <= .debug ? logger : nil
        unfinished = UnfinishedRequests(limit: limits.unfinishedBytes / loops)
    }

    func requestID() -> RequestID { ids.make() }

    /// A random tail, for the id that a request without a key proposes.
    func randomTail() -> UUIDv7.Tail { tails.next() }

    /// The bytes of an answer, in the memory of the answer before if that has left.
    func bytes(of decision: RedemptionAnswer, requestID: RequestID, connection: HotCall.Connection) -> ByteBuffer {
        let answer = HotAnswer(requestID: requestID, connection: connection, date: httpDate())
        answers.clear()
        answer.write(decision, to: &answers)
        return answers
    }

    /// The value of `Date`, made once a second.
    func httpDate() -> String {
        let now = Timestamp.now()
        if now.milliseconds / 1000 != dateSecond {
            dateSecond = now.milliseconds / 1000
            date = now.httpDate
        }
        return date
    }
}
