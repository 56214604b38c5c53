internal import Foundation

/// Finds a member of a JSON object whose value is a plain string, without reading the rest, so that a load generator can do it
/// for each answer. It does not find a value with escapes, and it could take the inside of a string for the member. Neither
/// occurs in an error code or a token.
public struct JSONMember: Sendable {
    private let pattern: [UInt8]

    public init(_ name: String) { pattern = Array("\"\(name)\":".utf8) }

    /// The bytes between the value's quotes.
    public func string(in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let base = text.baseAddress, var start = valueStart(in: text, base) else { return nil }
        while start < text.count, text[start] == UInt8(ascii: " ") { start += 1 }
        guard start < text.count, text[start] == JSONMember.quote else { return nil }
        start += 1
        guard let end = JSONMember.quote(in: text, base, from: start) else { return nil }
        let value = UnsafeRawBufferPointer(rebasing: text[start..<end])
        return value.contains(UInt8(ascii: "\\")) ? nil : value
    }

    /// Goes from quote to quote, since a name begins with one.
    private func valueStart(in text: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) -> Int? {
        pattern.withUnsafeBytes { pattern in
            var offset = 0
            while let found = JSONMember.quote(in: text, base, from: offset), found + pattern.count <= text.count {
                if memcmp(base + found, pattern.baseAddress!, pattern.count) == 0 { return found + pattern.count }
                offset = found + 1
            }
            return nil
        }
    }

    private static let quote = UInt8(ascii: "\"")

    private static func quote(in text: UnsafeRawBufferPointer, _ base: UnsafeRawPointer, from offset: Int) -> Int? {
        guard offset < text.count else { return nil }
        return memchr(base + offset, Int32(quote), text.count - offset).map { UnsafeRawPointer($0) - base }
    }
}
