internal import LoadGenerator
internal import NIOCore

/// Redemptions of one coupon.
final class RedeemWorkload: Workload {
    /// The order in which users ask.
    enum Order: Sendable {
        /// Each user once, one after the other.
        case once
        /// Any user, again and again: two requests of one user may be under way at once, as with a double click.
        case random
    }

    struct Sale: Sendable {
        let tokens: TokenLines
        /// The users who take part, by the numbers of their tokens.
        let users: Range<Int>
        let head: RequestHead
        /// `Content-Length` and body.
        let tail: [UInt8]
        /// The beginning of each request's `Idempotency-Key`; `nil`: requests have no key. Each run has another one, because the
        /// service would repeat the answers of an earlier run with the same.
        let keys: String?
        /// The seed of the random order.
        let seed: UInt64
        let order: Order

        init(
            coupon: String,
            code: String,
            host: String,
            tokens: TokenLines,
            users: Range<Int>,
            keys: String?,
            seed: UInt64,
            order: Order
        ) {
            self.tokens = tokens
            self.users = users
            self.keys = keys
            self.seed = seed
            self.order = order
            head = RequestHead(
                "POST",
                "/v1/coupons/\(coupon)/redemptions",
                host: host,
                fields: [("Content-Type", "application/json")]
            )
            let body = RequestBody.json([("code", code)])
            tail = Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body
        }
    }

    private let sale: Sale
    private let answers: SaleAnswers
    private let kind: Int
    private let thread: Int
    private let threads: Int
    private var position: Int
    private var random: SplitMix64

    /// - Parameter thread: one of `threads`, which take turns with the users.
    init(_ sale: Sale, answers: SaleAnswers, kind: Int, thread: Int, of threads: Int) {
        self.sale = sale
        self.answers = answers
        self.kind = kind
        self.thread = thread
        self.threads = threads
        position = thread
        random = SplitMix64(seed: sale.seed, sequence: thread)
    }

    var supply: WorkloadSupply {
        switch sale.order {
        case .once: position < sale.users.count ? .ready : .exhausted
        case .random: .ready
        }
    }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        let user =
            switch sale.order {
            case .once: sale.users.lowerBound + position
            case .random: Int.random(in: sale.users, using: &random)
            }
        sale.head.write(into: &buffer)
        sale.tokens.withLine(user) { token in
            buffer.writeStaticString("Authorization: Bearer ")
            buffer.writeBytes(token)
            buffer.writeStaticString("\r\n")
        }
        if let keys = sale.keys { writeKey(keys, user, into: &buffer) }
        buffer.writeBytes(sale.tail)
        answers.mark(user, .asked)
        position += threads
        return WorkloadRequest(kind: kind, tag: user)
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {
        switch end {
        case .answer(201, _, _): answers.mark(request.tag, .accepted)
        case .answer(_, let code?, _): answers.mark(request.tag, RedeemWorkload.mark(code))
        case .answer(_, nil, _): answers.mark(request.tag, .failed)
        case .failure: answers.mark(request.tag, .unknown)
        }
    }

    private static let soldOut = Array("sold_out".utf8)
    private static let alreadyRedeemed = Array("already_redeemed".utf8)
    private static let outcomeUnknown = Array("outcome_unknown".utf8)

    private static func mark(_ code: UnsafeRawBufferPointer) -> SaleAnswers.Marks {
        if code.elementsEqual(soldOut) { return .soldOut }
        if code.elementsEqual(alreadyRedeemed) { return .already }
        return code.elementsEqual(outcomeUnknown) ? .unknown : .failed
    }

    /// Each try has a new key, because the service would repeat the first answer to the same one.
    private func writeKey(_ beginning: String, _ user: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Idempotency-Key: ")
        buffer.writeString(beginning)
        buffer.writeString("-\(user)-\(position)\r\n")
    }
}
