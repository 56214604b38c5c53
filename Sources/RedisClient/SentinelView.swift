/// Concludes from the Sentinels' answers where the primary is. No I/O.
///
/// A failover takes a majority of the Sentinels, and has a higher epoch than all before. Sentinels that were cut off meanwhile still name
/// the primary before it. So the answer of the highest epoch counts.
struct SentinelView {
    struct Answer: Hashable, Sendable {
        let primary: RedisEndpoint.Node
        /// `config-epoch` of `SENTINEL MASTER`.
        let epoch: Int
    }

    /// The number of Sentinels.
    let sentinels: Int
    /// The answer that was last followed.
    private(set) var current: Answer?

    init(sentinels: Int) { self.sentinels = sentinels }

    /// Returns where the primary is; `nil`: no Sentinel told, or only a minority that missed a failover. A majority has not missed one: if
    /// it tells an older epoch than was seen, the Sentinels were set up again.
    mutating func learn(_ answers: [Answer]) -> Answer? {
        guard let best = answers.max(by: { $0.epoch < $1.epoch }) else { return nil }
        if let current, best.epoch < current.epoch, answers.count * 2 <= sentinels { return nil }
        current = best
        return best
    }
}

extension SentinelView.Answer {
    /// - Parameter replies: to `questions`.
    /// - Throws: the reason why they are no answer.
    init(_ replies: [RESPValue], primary name: String) throws(RedisError) {
        for reply in replies { if case .error(let message) = reply { throw RedisError(.serverError, message) } }
        guard replies.count == 2, let address = replies[0].array, address.count == 2, let host = address[0].string,
            let port = address[1].string.flatMap({ Int($0) }),
            let epoch = replies[1].dictionary["config-epoch"]?.number
        else { throw RedisError(.protocolViolation, "it does not tell where the primary '\(name)' is") }
        self.init(primary: RedisEndpoint.Node(host: host, port: port), epoch: epoch)
    }

    /// The commands that ask a Sentinel. In the middle of a failover only the first one tells the new primary already.
    static func questions(primary name: String) -> [[String]] {
        [["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], ["SENTINEL", "MASTER", name]]
    }
}
