internal import LoadGenerator
internal import Terminal

/// The requests of a file, written out as they are sent.
struct Replay: Sendable {
    /// One line is one request: the method, a space and the target; then, each behind a tab, a body and header fields.
    static let format =
        "write a method, a space and a target that begins with /; then, each behind a tab, a body and fields such as Accept: a/b"

    let expectation: Expectation
    private let bytes: [UInt8]
    private let ranges: [Range<Int>]

    var count: Int { ranges.count }

    /// - Parameter file: the name of the file in errors.
    init(_ lines: TokenLines, file: String, host: String, expecting text: String?) throws {
        expectation = try Expectation(text)
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(lines.count)
        for index in 0..<lines.count {
            let line = lines.text(index)
            let start = bytes.count
            guard let request = Replay.request(line, host: host) else {
                throw UsageError("'\(file)', line \(index + 1) is no request", remedy: Replay.format)
            }
            bytes += request
            ranges.append(start..<bytes.count)
        }
        self.bytes = bytes
        self.ranges = ranges
    }

    func withRequest<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let range = ranges[index]
        return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    private static let methodsWithBody: Set<Substring> = ["POST", "PUT", "PATCH"]
    /// Fields that say where a request ends and where it goes, so the file must not set them.
    private static let ownFields = ["host", "content-length", "transfer-encoding", "connection"]

    private static func request(_ line: String, host: String) -> [UInt8]? {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        let words = parts[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, !words[0].isEmpty, words[0].allSatisfy({ $0.isASCII && $0.isUppercase }), words[1].hasPrefix("/")
        else { return nil }
        let body = parts.count > 1 ? parts[1] : ""
        var head = "\(words[0]) \(words[1]) HTTP/1.1\r\nHost: \(host)\r\n"
        for field in parts.dropFirst(2) {
            guard let colon = field.firstIndex(of: ":"), colon > field.startIndex,
                !ownFields.contains(field[..<colon].lowercased())
            else { return nil }
            head += "\(field)\r\n"
        }
        if !body.isEmpty || methodsWithBody.contains(words[0]) { head += "Content-Length: \(body.utf8.count)\r\n" }
        return Array("\(head)\r\n\(body)".utf8)
    }
}

/// The requirement for an answer to a replayed request.
enum Expectation: Hashable, Sendable {
    /// A status from 200 to 299.
    case success
    case status(Int)
    /// A text that must be somewhere in the body.
    case text([UInt8])

    /// The outcome of an answer that meets the expectation.
    static let met = "\(metText)"
    static let metText: StaticString = "expected"

    /// - Parameter text: three digits mean a status, `nil` any success, and everything else a text in the body.
    init(_ text: String?) throws {
        guard let text else {
            self = .success
            return
        }
        guard !text.isEmpty else { throw UsageError("--expect is empty", remedy: "give a text, or leave it away") }
        if text.utf8.count == 3, let status = Int(text), (100...599).contains(status) {
            self = .status(status)
        } else {
            self = .text(Array(text.utf8))
        }
    }
}
