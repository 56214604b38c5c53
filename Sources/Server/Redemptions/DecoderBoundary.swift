import NIOCore
import NIOHTTP1

/// Tells when a connection's HTTP decoder holds no part of a request, by the bytes that it was given and the parts that it made
/// of them. The next byte then begins a request, and another reader may take it.
///
/// This is known again only after exactly one request whose bytes can be counted: those up to the first empty line, and as many
/// as the decoder itself read as Content-Length. After anything else it is not known again, and the decoder reads all that
/// follows.
struct DecoderBoundary {
    private(set) var isKnown = true
    /// Bytes that the decoder was given since the boundary was last known.
    private var bytes = 0
    private var headBytes: Int?
    /// How many bytes of CR LF CR LF the bytes so far end with.
    private var matched = 0
    private var heads = 0
    private var ends = 0
    /// The length of the body; `nil`: no Content-Length tells it.
    private var bodyBytes: Int?

    /// The decoder is given bytes.
    mutating func feed(_ buffer: ByteBuffer) {
        isKnown = false
        if headBytes == nil { findEndOfHead(in: buffer) }
        bytes += buffer.readableBytes
    }

    private mutating func findEndOfHead(in buffer: ByteBuffer) {
        for (index, byte) in buffer.readableBytesView.enumerated() {
            let isNext = byte == (matched % 2 == 0 ? UInt8(ascii: "\r") : UInt8(ascii: "\n"))
            matched = isNext ? matched + 1 : (byte == UInt8(ascii: "\r") ? 1 : 0)
            if matched == 4 {
                headBytes = bytes + index + 1
                return
            }
        }
    }

    /// The decoder has read a part.
    mutating func saw(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            heads += 1
            let endsByLength = head.method != .CONNECT && !head.headers.contains(name: "transfer-encoding")
            bodyBytes =
                endsByLength && !head.headers.contains(name: "upgrade")
                ? head.headers.first(name: "content-length").map { Int($0) } ?? 0 : nil
        case .body: break
        case .end: ends += 1
        }
    }

    /// The decoder has read all that it can of its bytes.
    mutating func settle() {
        guard heads == 1, ends == 1, let headBytes, let bodyBytes, bytes == headBytes + bodyBytes else { return }
        self = DecoderBoundary()
    }
}
