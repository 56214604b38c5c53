import Credentials
import Domain
import HotPath
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Telemetry
import TestSupport

@testable import Server

/// A connection with the hot route in front of a handler that stands for Hummingbird's.
final class Fixture {
    private static let keys = TokenKeys(signing: .random())

    let channel = EmbeddedChannel()
    let backend = Backend()
    let reads = ReadCounter()
    let digester: CodeDigester
    let user = UserID("01920000-0000-7000-8000-000000000001")!
    private let session = SessionID("01920000-0000-7000-8000-000000000002")!
    private let signer: AccessTokenSigner
    private var decided: Set<Int> = []
    private let questions: Questions
    private let lingerTimeout: TimeAmount

    final class Questions {
        var all: [(RedeemRequest, (RedemptionAnswer) -> Void)] = []
    }

    /// What the handler asked to be decided.
    var asked: [(RedeemRequest, (RedemptionAnswer) -> Void)] { questions.all }
    var undecided: [Int] { questions.all.indices.filter { !decided.contains($0) } }

    init(logger: Logger = testLogger(), _ change: (inout ServerLimits) -> Void = { _ in }) throws {
        signer = AccessTokenSigner(keys: Fixture.keys)
        digester = CodeDigester(key: .random())
        var limits = ServerLimits()
        change(&limits)
        lingerTimeout = TimeAmount(limits.lingerTimeout)
        let questions = Questions()
        self.questions = questions
        let services = LoopServices(
            judge: RedemptionJudge(
                verifier: AccessTokenVerifier(keys: Fixture.keys),
                digester: digester,
                durability: .local
            ),
            limits: limits,
            metrics: HTTPMetrics(registry: PrometheusRegistry()),
            logger: logger,
            decide: { questions.all.append(($0, $1)) }
        )
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(reads)
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldCount = limits.headerFields
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: decoder
        )
        try HotRouteHandler.add(to: pipeline, services: services)
        try pipeline.addHandler(backend)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// The bytes of a redemption. `TOKEN` and `EXPIRED` stand for headers with such a token.
    func redemption(
        coupon: String = "tea",
        headers: [String] = [],
        body: String? = #"{"code":"ABC"}"#,
        authorized: Bool = true,
        version: String = "1.1"
    ) -> String {
        var lines = headers.map { header in
            switch header {
            case "TOKEN": authorization(at: .now())
            case "EXPIRED": authorization(at: Timestamp(milliseconds: Timestamp.now().milliseconds - 300_000))
            default: header
            }
        }
        if authorized { lines.append(authorization(at: .now())) }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        let head = (["POST /v1/coupons/\(coupon)/redemptions HTTP/\(version)", "Host: x"] + lines).joined(separator: "\r\n")
        return head + "\r\n\r\n" + (body ?? "")
    }

    func other(headers: [String] = [], method: String = "GET") -> String {
        (["\(method) /other HTTP/1.1", "Host: x"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func authorization(at now: Timestamp) -> String {
        "Authorization: Bearer \(signer.sign(user: user, session: session, role: .user, now: now))"
    }

    func send(_ text: some StringProtocol) throws { try send(Array(text.utf8)) }

    func send(_ bytes: some Sequence<UInt8>) throws {
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        channel.pipeline.fireChannelReadComplete()
    }

    func accept(_ index: Int) {
        guard decided.insert(index).inserted, index < asked.count else { return }
        let request = asked[index].0
        let id = RedemptionID(uuid: UUIDv7(milliseconds: 1_800_000_000_000, tail: request.tail))
        asked[index].1(
            .redeemed(
                Redemption(id: id, user: request.user, coupon: request.coupon, price: 7),
                replayed: false,
                request.durability
            )
        )
    }

    /// All that was written since the last call.
    func output() -> String {
        var output = ""
        while case .some(.some(let data)) = try? channel.readOutbound(as: IOData.self) {
            if case .byteBuffer(let buffer) = data { output += String(buffer: buffer) }
        }
        return output
    }

    func responses() -> [TestResponse] { TestResponse.parse(output()) }

    /// Moves the connection's clock.
    func wait(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    /// Whether the connection ends, as soon as the client has had its time to read.
    func hasEnded() -> Bool {
        wait(lingerTimeout)
        return !channel.isActive
    }

    func finish() throws {
        channel.close(promise: nil)
        _ = hasEnded()
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}

/// Answers requests when told to, with their own id.
final class Backend: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var ids: [String] = []
    private var context: ChannelHandlerContext?
    private(set) var inputIsClosed = false
    private(set) var inputIsBroken = false

    var waiting: Int { ids.count }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = Self.unwrapInboundIn(data) else { return }
        ids.append(head.headers.first(name: "X-Request-Id") ?? "")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { inputIsClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What comes too late is not heard.
        if !inputIsClosed { inputIsBroken = true }
    }

    func answer() {
        guard let context, !ids.isEmpty else { return }
        let headers: HTTPHeaders = ["X-Request-Id": ids.removeFirst(), "Content-Length": "2"]
        context.write(
            Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))),
            promise: nil
        )
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "ok")))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }
}

/// Counts the reads that reach the socket.
final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

struct TestResponse: Sendable {
    let status: Int
    /// By lower-case name.
    let headers: [String: String]
    let body: String

    /// Responses that each have a Content-Length, one behind the other. Interim ones have none and no body.
    static func parse(_ text: String) -> [TestResponse] {
        var rest = Substring(text)
        var responses: [TestResponse] = []
        while let response = next(&rest) { responses.append(response) }
        return responses
    }

    /// Takes one response off the front; `nil`: there is none that is complete.
    static func next(_ text: inout Substring) -> TestResponse? {
        guard let end = text.utf8.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].drop { $0 == " " }.description : ""
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard let bodyEnd = text.utf8.index(end.upperBound, offsetBy: length, limitedBy: text.utf8.endIndex) else { return nil }
        let response = TestResponse(status: status, headers: headers, body: String(text[end.upperBound..<bodyEnd]))
        text = text[bodyEnd...]
        return response
    }
}
