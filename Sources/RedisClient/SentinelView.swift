/// What the Sentinels' answers amount to. No I/O.
///
/// Each failover has an epoch of its own, higher than those before, and takes a majority of the Sentinels; those that were cut
/// off meanwhile go on telling of the primary before it. So of several answers the one of the highest epoch counts.
struct SentinelView {
    struct Answer: Hashable, Sendable {
        let primary: RedisEndpoint.Node
        /// `config-epoch` of `SENTINEL MASTER`.
        let epoch: Int
    }

    /// How many there are.
    let sentinels: Int
    /// What was last followed.
    private(set) var current: Answer?

    init(sentinels: Int) { self.sentinels = sentinels }

    /// Where the primary is; `nil`: nobody told, or only some who are behind the times. A majority is not behind: where it tells
    /// of an older epoch than was seen, the Sentinels were set up again.
    mutating func learn(_ answers: [Answer]) -> Answer? {
        guard let best = answers.max(by: { $0.epoch < $1.epoch }) else { return nil }
        if let current, best.epoch < current.epoch, answers.count * 2 <= sentinels { return nil }
        current = best
        return best
    }
}

extension SentinelView.Answer {
    /// - Parameter replies: those to `questions`. Throws why they are no answer.
    init(_ replies: [RESPValue], primary name: String) throws(RedisError) {
        for reply in replies { if case .error(let message) = reply { throw RedisError(.serverError, message) } }
        guard replies.count == 2, let address = replies[0].array, address.count == 2, let host = address[0].string,
            let port = address[1].string.flatMap({ Int($0) }),
            let epoch = replies[1].dictionary["config-epoch"]?.number
        else { throw RedisError(.protocolViolation, "it does not tell where the primary '\(name)' is") }
        self.init(primary: RedisEndpoint.Node(host: host, port: port), epoch: epoch)
    }

    /// In the middle of a failover only the first tells of the new primary already.
    static func questions(primary name: String) -> [[String]] {
        [["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], ["SENTINEL", "MASTER", name]]
    }
}
