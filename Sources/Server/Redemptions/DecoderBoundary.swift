import NIOCore
import NIOHTTP1

/// Follows what a connection's HTTP decoder was given and what it made of it, to know when it holds no part of a request: the next
/// byte then begins one, for the one who reads it.
///
/// That is known after exactly one request of which the bytes are counted: up to the first empty line, and as many as the decoder
/// itself read as Content-Length. With anything else it is not known again, and the decoder reads all that follows.
struct DecoderBoundary {
    private(set) var isKnown = true
    /// Since it was last known.
    private var bytes = 0
    private var headBytes: Int?
    /// Of CR LF CR LF, how many the bytes so far end with.
    private var matched = 0
    private var heads = 0
    private var ends = 0
    /// `nil`: not by a Content-Length.
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

    /// The decoder has read something.
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

    /// The decoder has done what it could with the bytes that it has.
    mutating func settle() {
        guard heads == 1, ends == 1, let headBytes, let bodyBytes, bytes == headBytes + bodyBytes else { return }
        self = DecoderBoundary()
    }
}
