import NIOCore
import NIOPosix
import TestSupport

/// A socket, and the responses that come out of it.
final class TestClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private actor Inbox {
        private var text: Substring = ""
        private let stream: AsyncThrowingStream<String, any Error>

        init(_ stream: AsyncThrowingStream<String, any Error>) {
            self.stream = stream
        }

        private func receive() async throws -> String? {
            for try await part in stream { return part }
            return nil
        }

        func response() async throws -> TestResponse {
            while true {
                if let response = TestResponse.next(&text) { return response }
                guard let more = try await receive() else { throw TestFailure("closed after: \(text)") }
                text += more
            }
        }

        /// What comes until the other side closes.
        func rest() async throws -> String {
            while let more = try await receive() { text += more }
            defer { text = "" }
            return String(text)
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let continuation: AsyncThrowingStream<String, any Error>.Continuation

        init(_ continuation: AsyncThrowingStream<String, any Error>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(String(buffer: Self.unwrapInboundIn(data)))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { continuation.finish() }
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { continuation.finish(throwing: error) }
    }

    private init(channel: any Channel, stream: AsyncThrowingStream<String, any Error>) {
        self.channel = channel
        inbox = Inbox(stream)
    }

    static func connect(to port: Int) async throws -> TestClient {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: String.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return TestClient(channel: channel, stream: stream)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Says that no more will be sent.
    func finish() async throws { try await channel.close(mode: .output) }

    func response() async throws -> TestResponse { try await inbox.response() }

    func rest() async throws -> String { try await inbox.rest() }

    func close() async { try? await channel.close() }

    func request(
        _ method: String,
        _ path: String,
        token: String? = nil,
        headers: [String] = [],
        json: String? = nil
    ) async throws -> TestResponse {
        try await send(TestClient.text(method, path, token: token, headers: headers, json: json))
        return try await response()
    }

    static func text(
        _ method: String,
        _ path: String,
        token: String? = nil,
        headers: [String] = [],
        json: String? = nil
    ) -> String {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers
        if let token { lines.append("Authorization: Bearer \(token)") }
        if let json { lines += ["Content-Type: application/json", "Content-Length: \(json.utf8.count)"] }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (json ?? "")
    }
}
