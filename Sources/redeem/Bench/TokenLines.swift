internal import Domain
internal import Foundation
internal import Terminal

/// The lines of a file of secrets, kept as one piece of bytes. A million separate lines would be a million allocations.
struct TokenLines: Sendable {
    private let bytes: [UInt8]
    private let ranges: [Range<Int>]

    var count: Int { ranges.count }

    /// Empty lines are left out.
    init(_ bytes: [UInt8]) {
        var ranges: [Range<Int>] = []
        var start = 0
        for end in bytes.indices where bytes[end] == UInt8(ascii: "\n") {
            TokenLines.add(start, end, bytes, to: &ranges)
            start = end + 1
        }
        TokenLines.add(start, bytes.count, bytes, to: &ranges)
        self.bytes = bytes
        self.ranges = ranges
    }

    /// - Parameters:
    ///   - flag: the flag that named the file.
    ///   - what: a word for the lines.
    init(file path: String, flag: String, of what: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError("cannot read '\(path)'", remedy: "give \(flag) the path of a file with one of \(what) a line")
        }
        let bytes = Array(UTF8Text.withoutByteOrderMark(Array(data)))
        if !bytes.allSatisfy({ $0 < 0x80 }) {
            let valid = UTF8Text.validPrefix(of: bytes)
            let line = 1 + bytes[..<valid].count { $0 == UInt8(ascii: "\n") }
            guard valid == bytes.count else {
                throw UsageError("'\(path)', line \(line), is not UTF-8", remedy: "save the file as UTF-8")
            }
        }
        self.init(bytes)
        guard count > 0 else {
            throw UsageError("'\(path)' has no \(what)", remedy: "give \(flag) a file with one a line; `redeem seed` writes them")
        }
    }

    func withLine<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let range = ranges[index]
        return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    func text(_ index: Int) -> String { withLine(index) { String(decoding: $0, as: UTF8.self) } }

    private static func add(_ start: Int, _ end: Int, _ bytes: [UInt8], to ranges: inout [Range<Int>]) {
        var end = end
        while end > start, bytes[end - 1] == UInt8(ascii: "\r") || bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
        if end > start { ranges.append(start..<end) }
    }
}
