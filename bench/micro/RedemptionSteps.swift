import Domain
import HotPath
import NIOCore
import RedisClient
import Server

/// The steps of a redemption in the server, without the token's check and the system calls.
struct RedemptionSteps {
    private static let batch = 16

    private let user: UserID
    private let session: SessionID
    private let coupon = CouponID("sale")!
    private let request: [UInt8]
    private let body = Array(#"{"code":"SALE-2030"}"#.utf8)
    private let reply: [UInt8]
    private let requests: [RedeemRequest]
    private let redemption: Redemption

    init(user: UserID, session: SessionID, token: String) {
        self.user = user
        self.session = session
        let head = [
            "POST /v1/coupons/sale/redemptions HTTP/1.1", "Host: 127.0.0.1:8080", "Authorization: Bearer \(token)",
            "Content-Type: application/json", "Idempotency-Key: 5f0c1d2e-3a4b-5c6d-7e8f-901234567890",
            "Content-Length: \(body.count)",
        ]
        request = Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
        let digest = CodeDigest(bytes: UInt8(0)..<32)!
        let time: UInt64 = 1_800_000_000_000
        requests = (0..<RedemptionSteps.batch).map { [user, session, coupon] _ in
            RedeemRequest(user: user, session: session, coupon: coupon, codeDigest: digest, tail: .random())
        }
        redemption = Redemption(
            id: RedemptionID(uuid: UUIDv7(milliseconds: time)),
            user: user,
            coupon: coupon,
            price: 10
        )
        let letters = String(repeating: "a", count: requests.count)
        let values = ["10", String(UUIDv7(milliseconds: time).base64URL.prefix(UUIDv7.timeBase64URLBytes)), letters]
        reply = Array(("*\(values.count)\r\n" + values.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    func measurements() -> [Measurement] {
        let reader = ReplyReader(replyLimitBytes: 1 << 20)
        var command = RESPCommandWriter()
        let keys = Keys(ShardMap().shards[0])
        let value = read(reader)
        let limits = ServerLimits()
        let answer = HotAnswer(
            requestID: .ours(1),
            connection: .keepAlive,
            date: "Thu, 01 Jan 2026 00:00:00 GMT"
        )
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: HotAnswer.capacity, alignment: 16)
        defer { memory.deallocate() }
        precondition(request.withUnsafeBytes { PlainRedemption($0, limits: limits)?.length } == request.count)
        precondition(value.flatMap { RedeemReply.Call($0, requests: requests.count)?.reply(0, to: requests[0]) } != nil)
        let batch = Double(RedemptionSteps.batch)
        return [
            Measurement("request: read its head and find its body") {
                request.withUnsafeBytes { PlainRedemption($0, limits: limits)?.length }
            },
            Measurement("body: read the code") { body.withUnsafeBytes { try? RequestFields.text(of: "code", in: $0).count } },
            Measurement("call of 16: write keys and arguments, each", of: batch) {
                command.clear()
                command.write(arguments: requests.count + 2) { command in
                    for request in requests { command.append(keys.sessionPrefix, request.session.uuid) }
                    command.append(redemptionsOf: requests)
                    command.append(requests[0].codeDigest)
                }
                return command.buffer.readableBytes
            },
            Measurement("reply of 16: parse RESP, each", of: batch) { read(reader) },
            Measurement("reply of 16: make decisions of it, each", of: batch) {
                value.flatMap { RedeemReply.Call($0, requests: requests.count) }.map { call in
                    requests.indices.map { call.reply($0, to: requests[$0]) }
                }
            },
            Measurement("answer: write the response") {
                var text = TextWriter(memory)
                answer.write(redemption, replayed: false, .local, to: &text)
                return text.count
            },
        ]
    }

    private func read(_ reader: ReplyReader) -> RESPValue? {
        var value: RESPValue?
        reply.withUnsafeBytes { bytes in
            try? reader.read(bytes) { reply in
                value = reply
                return true
            }
        }
        return value
    }
}
