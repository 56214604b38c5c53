internal import LoadGenerator
internal import Terminal

extension Duration {
    /// A time as people write it: `30s`, `500ms`, `2m`.
    init(text: String, of flag: String, in range: ClosedRange<Duration>) throws {
        let remedy = "write a number and ms, s or m, such as 30s; from \(range.lowerBound.text) to \(range.upperBound.text)"
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let scale: Double
        switch text.dropFirst(digits.count) {
        case "ms": scale = 1
        case "s": scale = 1_000
        case "m": scale = 60_000
        default: throw UsageError("\(flag) '\(text)' is not a time", remedy: remedy)
        }
        guard let number = Double(digits), number * scale < 1e12 else {
            throw UsageError("\(flag) '\(text)' is not a time", remedy: remedy)
        }
        self = .microseconds(Int64(number * scale * 1000))
        guard range.contains(self) else { throw UsageError("\(flag) '\(text)' is out of range", remedy: remedy) }
    }

    /// The text that `init(text:)` reads.
    var text: String {
        let milliseconds = Int((seconds * 1000).rounded())
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
