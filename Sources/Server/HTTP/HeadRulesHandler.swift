import NIOCore
import NIOHTTP1

/// Applies the rules of RFC 9112 that NIO's decoder leaves out: blanks around a field's value are removed (section 5.1), and a
/// request without exactly one valid `Host` is refused (section 3.2). It stands right behind the decoder on every port, so that
/// all later handlers read the same. It also adds the header fields that every answer has.
///
/// `PlainRedemption` reads before the decoder, and takes nothing that this would refuse.
final class HeadRulesHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request was refused. As after an error of the decoder, nothing more is read from the connection.
    private var hasFailed = false

    static func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        try pipeline.addHandler(HeadRulesHandler(), position: .after(decoder))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasFailed else { return }
        guard case .head(var head) = Self.unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        head.headers.trimValues()
        guard head.hasOneHost else {
            hasFailed = true
            // This is NIO's nearest error: a request's target is its URL and its Host together (RFC 9112, section 3.3).
            return context.fireErrorCaught(HTTPParserError.invalidURL)
        }
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = Self.unwrapOutboundIn(data), head.status.code >= 200 else {
            return context.write(data, promise: promise)
        }
        head.headers.replaceOrAdd(name: "X-Content-Type-Options", value: "nosniff")
        context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    }
}

@available(*, unavailable)
extension HeadRulesHandler: Sendable {}

extension HTTPHeaders {
    /// Takes blanks and tabs from both ends of all values. NIO's decoder leaves those at the end.
    fileprivate mutating func trimValues() {
        func isBlank(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard contains(where: { isBlank($0.value.utf8.first) || isBlank($0.value.utf8.last) }) else { return }
        self = HTTPHeaders(
            map { name, value in
                var rest = value[...].utf8
                while isBlank(rest.first) { rest.removeFirst() }
                while isBlank(rest.last) { rest.removeLast() }
                return (name, String(Substring(rest)))
            }
        )
    }
}

extension HTTPRequestHead {
    /// True if `Host` is as RFC 9112, section 3.2, demands. In HTTP/1.0 it may be absent.
    fileprivate var hasOneHost: Bool {
        var hosts = 0
        for (name, value) in headers where name.utf8.count == 4 && StaticString("host").matches(name) {
            hosts += 1
            guard hosts == 1, HostField.isValid(value) else { return false }
        }
        return hosts == 1 || (hosts == 0 && (version.major, version.minor) < (1, 1))
    }
}
