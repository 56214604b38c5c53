/// The id that ties an answer to the log: the client's `X-Request-Id` if it is fit for a log, otherwise one of ours.
package enum RequestID: Hashable {
    /// 16 hexadecimal digits.
    case ours(UInt64)
    case theirs(String)

    static let header = "X-Request-Id"
    static let bytes = 128

    /// The client's id; `nil`: it is not fit for a log.
    init?(acceptable text: String) {
        guard RequestID.isAcceptable(text) else { return nil }
        self = .theirs(text)
    }

    static func isAcceptable(_ text: String) -> Bool {
        guard (1...bytes).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"),
                UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
                true
            default: false
            }
        }
    }
}

extension RequestID: CustomStringConvertible {
    package var description: String { String(capacity: RequestID.bytes) { $0.write(self) } }
}

extension TextWriter {
    mutating func write(_ id: RequestID) {
        switch id {
        case .ours(let word): write(hex: word)
        case .theirs(let text): write(text)
        }
    }
}

/// Makes ids that do not repeat: it begins at random and counts. It keeps state, so each event loop has its own.
struct RequestIDGenerator {
    private var next: UInt64

    init() {
        next = UInt64.random(in: .min ... .max)
    }

    mutating func make() -> RequestID {
        next &+= 1
        return .ours(next)
    }
}
