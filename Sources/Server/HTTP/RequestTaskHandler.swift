import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Gives the API whole requests, one at a time, each in a task of its own, and writes the answers. It stands behind the hot
/// route.
///
/// It takes the place of Hummingbird's channel, which has a task for each connection. Between requests such a task keeps the
/// memory that its deepest call once needed, 6 to 17 KiB, and the last request. Here an idle connection keeps neither. Bodies are
/// small (`ServerLimits.bodyBytes`), so it costs nothing to wait for a whole one, and a request that never comes whole has no
/// task.
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

    /// The request of which only a part has come.
    private var incoming: Incoming?
    /// Whole requests that wait for the task of the one before. `HotRouteHandler` limits their number.
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
            // Nearly every body is one part, which is kept without a copy.
            if incoming?.body.readableBytes == 0 { incoming?.body = part } else { incoming?.body.writeBuffer(&part) }
        case .end:
            guard let request = incoming else { return }
            incoming = nil
            waiting.append(request)
            startNext(context)
        }
    }

    /// The rest of a request will not come.
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

    /// Begins the next request, unless the client does not read its answers.
    private func startNext(_ context: ChannelHandlerContext) {
        guard task == nil, !isEnding else { return }
        guard !waiting.isEmpty else {
            if inputIsClosed { context.close(mode: .output, promise: nil) }
            return
        }
        guard context.channel.isWritable else { return }
        let request = waiting.removeFirst()
        // An empty array gives back the room that many requests took.
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
    /// A connection, for the task that waits for its end.
    struct Connection: ServerChildChannelValue {
        let channel: any Channel
        private let ended: EventLoopFuture<Void>
        private let handler: NIOLoopBound<RequestTaskHandler>

        /// To be called on the channel's event loop.
        init(channel: any Channel, handler: RequestTaskHandler) {
            self.channel = channel
            ended = handler.ended.futureResult
            self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        }

        /// Returns when the connection and its last task have ended. Cancellation ends both.
        func run() async {
            await withTaskCancellationHandler {
                // This future never fails.
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
                // This should not happen: `ProblemMiddleware` answers every error.
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

    /// Collects a body as one piece of bytes. All bodies of the API are one piece.
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
