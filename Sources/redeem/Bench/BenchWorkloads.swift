internal import Domain
internal import LoadGenerator

/// Makes the workload of each thread.
struct BenchWorkloads: Sendable {
    /// In a mix of both, one of so many users has redeemed before.
    private static let repeatedPart = 10

    let settings: BenchSettings
    let target: BenchTarget
    let answers: SaleAnswers
    /// Distinguishes the requests of this run from those of all others.
    private let run = String(UInt64.random(in: .min ... .max), radix: 36)

    init(settings: BenchSettings, target: BenchTarget, answers: SaleAnswers) {
        self.settings = settings
        self.target = target
        self.answers = answers
    }

    private var host: String { target.api.authority }

    /// The users who have redeemed before, and those who have not.
    private var users: (repeated: Range<Int>, new: Range<Int>) {
        let count = target.tokens.count
        guard settings.mix.contains(.repeated) else { return (0..<0, 0..<count) }
        guard settings.mix.contains(.redeem) else { return (0..<count, count..<count) }
        let part = max(1, count / BenchWorkloads.repeatedPart)
        return (0..<part, part..<count)
    }

    func all(thread: Int) -> any Workload {
        let kinds = settings.mix.parts.enumerated().map { workload($1.kind, number: $0, thread: thread) }
        guard kinds.count > 1 else { return kinds[0] }
        return MixedWorkload(kinds, weights: settings.mix.parts.map(\.weight), seed: settings.seed, thread: thread)
    }

    /// The users who must have redeemed before the run redeem, each once.
    func prelude(thread: Int) -> any Workload {
        redeem(users.repeated, order: .once, number: 0, thread: thread)
    }

    private func workload(_ kind: RequestKindName, number: Int, thread: Int) -> any Workload {
        switch kind {
        case .redeem:
            // In a sale each user asks once; in the other scenarios users ask again.
            redeem(
                users.new,
                order: settings.scenario == .redeem ? .once : .random,
                number: number,
                thread: thread
            )
        case .repeated: redeem(users.repeated, order: .random, number: number, thread: thread)
        case .refresh:
            RefreshWorkload(target.refreshTokens, host: host, kind: number, thread: thread, of: settings.threads)
        case .login: LoginWorkload(target.logins, host: host, kind: number, thread: thread, of: settings.threads)
        case .replay:
            if let replay = target.replay {
                ReplayWorkload(replay, kind: number, thread: thread, of: settings.threads)
            } else {
                preconditionFailure("a replay without requests")
            }
        case .browse: BrowseWorkload(coupon: target.coupon.description, host: host, kind: number)
        }
    }

    private func redeem(_ users: Range<Int>, order: RedeemWorkload.Order, number: Int, thread: Int)
        -> RedeemWorkload
    {
        let sale = RedeemWorkload.Sale(
            coupon: target.coupon.description,
            code: target.code,
            host: host,
            tokens: target.tokens,
            users: users,
            keys: settings.hasKeys ? run : nil,
            seed: settings.seed,
            order: order
        )
        return RedeemWorkload(sale, answers: answers, kind: number, thread: thread, of: settings.threads)
    }
}
