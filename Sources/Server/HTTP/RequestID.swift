/// The id that ties an answer to the log: the client's `X-Request-Id` where it is one that a log can bear, else one of ours.
enum RequestID {
    static let header = "X-Request-Id"
    static let bytes = 128

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

/// Makes ids of 16 hexadecimal digits that do not repeat: a random beginning of its own, then a count. One for each loop,
/// since it keeps state.
struct RequestIDGenerator {
    private var next: UInt64

    init() {
        next = UInt64.random(in: .min ... .max)
    }

    mutating func make() -> String {
        next &+= 1
        let value = next
        return String(unsafeUninitializedCapacity: 16) { output in
            for place in 0..<16 {
                let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * place)) & 0xF
                output[place] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
            }
            return 16
        }
    }
}
