import CHiredis

/// hiredis's reply reader: bytes go in, replies come out. No other code sees hiredis's types.
///
/// It uses only what both hiredis 0.14 (Debian 12) and 1.2 (Debian 13) have. Neither limits the size of a reply, and 1.x does not limit
/// its depth, so both limits are kept here.
package final class ReplyReader {
    package struct Violation: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// How deep arrays may be nested. hiredis 0.14 refuses deeper ones by itself.
    static let depthLimit = 7

    /// Bytes that hiredis gets at a time. After each parsed KiB it moves all bytes behind it, which is cheap where these are few. The limit
    /// on depth is checked between two feeds, so small feeds also bound how much deeper a reply can go.
    private static let feedLimit = 16 << 10

    private let handle: UnsafeMutablePointer<redisReader>
    private let replyLimitBytes: Int
    /// Bytes fed since the last reply came out.
    private var bytesOfReply = 0

    package init(replyLimitBytes: Int) {
        guard let handle = redisReaderCreate() else { preconditionFailure("out of memory") }
        self.handle = handle
        self.replyLimitBytes = replyLimitBytes
    }

    deinit {
        redisReaderFree(handle)
    }

    /// Copies the bytes, and calls `body` with each reply that is complete now. When `body` returns false it stops, and the reader must not
    /// be used again.
    package func read(_ bytes: UnsafeRawBufferPointer, _ body: (RESPValue) -> Bool) throws(Violation) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try feed(UnsafeRawBufferPointer(rebasing: rest.prefix(ReplyReader.feedLimit)))
            rest = rest.dropFirst(ReplyReader.feedLimit)
            while let reply = try next() {
                guard body(reply) else { return }
            }
        }
    }

    private func feed(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard redisReaderFeed(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
            throw violation()
        }
        bytesOfReply += bytes.count
    }

    private func next() throws(Violation) -> RESPValue? {
        var pointer: UnsafeMutableRawPointer?
        guard redisReaderGetReply(handle, &pointer) == REDIS_OK else { throw violation() }
        guard let pointer else {
            guard handle.pointee.ridx <= ReplyReader.depthLimit else { throw tooDeep }
            guard bytesOfReply <= replyLimitBytes else {
                throw Violation(description: "a reply of more than \(replyLimitBytes) bytes")
            }
            return nil
        }
        bytesOfReply = 0
        defer { freeReplyObject(pointer) }
        return try value(of: pointer.assumingMemoryBound(to: redisReply.self).pointee, depth: 0)
    }

    private func value(of reply: redisReply, depth: Int) throws(Violation) -> RESPValue {
        switch reply.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS:
            let bytes = UnsafeRawBufferPointer(start: reply.str, count: reply.len)
            return String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(Array(bytes))
        case REDIS_REPLY_ERROR: return .error(text(of: reply))
        case REDIS_REPLY_INTEGER: return .integer(Int(reply.integer))
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_ARRAY:
            guard depth < ReplyReader.depthLimit else { throw tooDeep }
            var values: [RESPValue] = []
            values.reserveCapacity(reply.elements)
            for index in 0..<reply.elements {
                guard let element = reply.element[index] else { throw Violation(description: "an array with a hole") }
                values.append(try value(of: element.pointee, depth: depth + 1))
            }
            return .array(values)
        default: throw Violation(description: "a reply of type \(reply.type), which RESP2 does not have")
        }
    }

    private func text(of reply: redisReply) -> String {
        String(decoding: UnsafeRawBufferPointer(start: reply.str, count: reply.len), as: UTF8.self)
    }

    private var tooDeep: Violation {
        Violation(description: "arrays nested deeper than \(ReplyReader.depthLimit)")
    }

    private func violation() -> Violation {
        let text = withUnsafeBytes(of: handle.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Violation(description: text)
    }
}
