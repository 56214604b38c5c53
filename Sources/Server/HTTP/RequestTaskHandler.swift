import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Behind the hot route: gives the API whole requests, one at a time, each in a task of its own, and writes its answers.
///
/// In place of Hummingbird's channel, which has a task for each connection. Between requests such a task keeps what its deepest call
/// once needed, 6 to 17 KiB, and the last request. Here a connection that is idle has neither. Bodies are small
/// (`ServerLimits.bodyBytes`), so nothing is lost by waiting for all of one; and what never comes whole is never asked for.
final class RequestTaskHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    typealias Respond = @Sendable (Request, APIContext) async throws -> Response

    private struct Incoming {
        let head: HTTPRequestHead
        var body = ByteBuffer()
    }

    private let respond: Respond
    private let services: LoopServices
    private let logger: Logger
    /// Succeeds when the connection has ended, and its last task too.
    private let ended: EventLoopPromise<Void>

    /// Of which a part has come.
    private var incoming: Incoming?
    /// Whole, and waiting for the task of the one before. As many as `HotRouteHandler` lets through.
    private var waiting: [Incoming] = []
    private var task: Task<Void, Never>?
    private var inputIsClosed = false
    private var isEnding = false
    private var context: ChannelHandlerContext?

    init(eventLoop: any EventLoop, services: LoopServices, logger: Logger, respond: @escaping Respond) {
        self.respond = respond
        self.services = services
        self.logger = logger
        ended = eventLoop.makePromise()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        incoming = nil
        waiting = []
        isEnding = true
        if task == nil { ended.succeed() }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): incoming = Incoming(head: head)
        case .body(var part):
            // The first part as it is: it is the only one of nearly all bodies.
            if incoming?.body.readableBytes == 0 { incoming?.body = part } else { incoming?.body.writeBuffer(&part) }
        case .end:
            guard let request = incoming else { return }
            incoming = nil
            waiting.append(request)
            startNext(context)
        }
    }

    /// The rest of a request does not come.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { incoming = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            inputIsClosed = true
            incoming = nil
            startNext(context)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        startNext(context)
        context.fireChannelWritabilityChanged()
    }

    /// Nothing is begun for a client that does not read its answers.
    private func startNext(_ context: ChannelHandlerContext) {
        guard task == nil, !isEnding else { return }
        guard !waiting.isEmpty else {
            if inputIsClosed { context.close(mode: .output, promise: nil) }
            return
        }
        guard context.channel.isWritable else { return }
        let request = waiting.removeFirst()
        // What a rare client has made it hold.
        if waiting.isEmpty { waiting = [] }
        let source = ApplicationRequestContextSource(channel: context.channel, logger: logger)
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        let (respond, eventLoop) = (respond, context.eventLoop)
        task = Task {
            let answer = await Answer(to: request.head, request.body, source: source, respond)
            eventLoop.execute { this.value.finish(answer) }
        }
    }

    // MARK: Answers

    private func finish(_ answer: Answer) {
        task = nil
        guard let context, !isEnding else { return ended.succeed() }
        var head = answer.head
        head.headers.add(name: "Date", value: services.httpDate())
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        if answer.body.readableBytes > 0 {
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        }
        context.write(Self.wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
        startNext(context)
    }
}

@available(*, unavailable)
extension RequestTaskHandler: Sendable {}

extension RequestTaskHandler {
    /// A connection for who waits for its end.
    struct Connection: ServerChildChannelValue {
        let channel: any Channel
        private let ended: EventLoopFuture<Void>
        private let handler: NIOLoopBound<RequestTaskHandler>

        /// On the channel's event loop.
        init(channel: any Channel, handler: RequestTaskHandler) {
            self.channel = channel
            ended = handler.ended.futureResult
            self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        }

        /// Returns when the connection and its last task have ended. Who is cancelled ends both.
        func run() async {
            await withTaskCancellationHandler {
                // It has no way to fail.
                try? await ended.get()
            } onCancel: {
                channel.eventLoop.execute {
                    handler.value.task?.cancel()
                    channel.close(promise: nil)
                }
            }
        }
    }

    private struct Answer {
        let head: HTTPResponseHead
        let body: ByteBuffer

        init(to head: HTTPRequestHead, _ body: ByteBuffer, source: ApplicationRequestContextSource, _ respond: Respond) async {
            let collector = BodyCollector()
            var response: Response
            do {
                response = try await respond(
                    Request(head: HTTPRequest(head), body: RequestBody(buffer: body)),
                    APIContext(source: source)
                )
                try await response.body.write(collector)
            } catch {
                // `ProblemMiddleware` makes an answer of every error.
                source.logger.error("a request failed", metadata: ["error": "\(error)"])
                response = Response(status: .internalServerError)
            }
            self.head = HTTPResponseHead(
                version: .http1_1,
                status: HTTPResponseStatus(statusCode: response.status.code, reasonPhrase: response.status.reasonPhrase),
                headers: HTTPHeaders(response.headers.map { ($0.name.rawName, $0.value) })
            )
            self.body = collector.bytes.buffer
        }
    }

    /// A body as one piece of bytes, which is what all of the API's are.
    private struct BodyCollector: ResponseBodyWriter {
        final class Bytes {
            var buffer = ByteBuffer()
        }

        let bytes = Bytes()

        func write(_ buffer: ByteBuffer) {
            var buffer = buffer
            if bytes.buffer.readableBytes == 0 { bytes.buffer = buffer } else { bytes.buffer.writeBuffer(&buffer) }
        }

        func finish(_ trailers: HTTPFields?) {}
    }
}
