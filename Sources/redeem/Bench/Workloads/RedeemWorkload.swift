internal import LoadGenerator
internal import NIOCore

/// Redemptions of one coupon, a user after the other.
final class RedeemWorkload: Workload {
    struct Sale: Sendable {
        let tokens: TokenLines
        /// Those of the tokens that take part.
        let users: Range<Int>
        let head: RequestHead
        /// `Content-Length` and body.
        let tail: [UInt8]
        /// Whether requests carry an `Idempotency-Key`.
        let hasKeys: Bool
        /// In the keys, so that those of two runs differ.
        let seed: UInt64
        /// After the last user comes the first again.
        let repeats: Bool

        init(
            coupon: String,
            code: String,
            host: String,
            tokens: TokenLines,
            users: Range<Int>,
            hasKeys: Bool,
            seed: UInt64,
            repeats: Bool
        ) {
            self.tokens = tokens
            self.users = users
            self.hasKeys = hasKeys
            self.seed = seed
            self.repeats = repeats
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
    private let ledger: SaleLedger
    private let kind: Int
    private let thread: Int
    private let threads: Int
    private var nextUser: Int
    private var pass = 0

    /// - Parameter thread: of `threads`, which take turns with the users.
    init(_ sale: Sale, ledger: SaleLedger, kind: Int, thread: Int, of threads: Int) {
        self.sale = sale
        self.ledger = ledger
        self.kind = kind
        self.thread = thread
        self.threads = threads
        nextUser = sale.users.lowerBound + thread
    }

    var supply: WorkloadSupply { nextUser < sale.users.upperBound ? .ready : .exhausted }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        let user = nextUser
        sale.head.write(into: &buffer)
        sale.tokens.withLine(user) { token in
            buffer.writeStaticString("Authorization: Bearer ")
            buffer.writeBytes(token)
            buffer.writeStaticString("\r\n")
        }
        if sale.hasKeys { writeKey(user, into: &buffer) }
        buffer.writeBytes(sale.tail)
        ledger.mark(user, .asked)
        nextUser += threads
        if nextUser >= sale.users.upperBound, sale.repeats {
            nextUser = sale.users.lowerBound + thread
            pass += 1
        }
        return WorkloadRequest(kind: kind, tag: user)
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {
        switch end {
        case .answer(201, _, _): ledger.mark(request.tag, .accepted)
        case .answer(_, let code?, _): ledger.mark(request.tag, RedeemWorkload.mark(code))
        case .answer(_, nil, _): ledger.mark(request.tag, .failed)
        case .failure: ledger.mark(request.tag, .unknown)
        }
    }

    private static let soldOut = Array("sold_out".utf8)
    private static let alreadyRedeemed = Array("already_redeemed".utf8)
    private static let outcomeUnknown = Array("outcome_unknown".utf8)

    private static func mark(_ code: UnsafeRawBufferPointer) -> SaleLedger.Marks {
        if code.elementsEqual(soldOut) { return .soldOut }
        if code.elementsEqual(alreadyRedeemed) { return .already }
        return code.elementsEqual(outcomeUnknown) ? .unknown : .failed
    }

    /// A new one for each try: the same would ask for the first answer again.
    private func writeKey(_ user: Int, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Idempotency-Key: ")
        buffer.writeString("\(sale.seed)-\(user)-\(pass)\r\n")
    }
}
