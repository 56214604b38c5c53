/// A body of `application/x-www-form-urlencoded` (WHATWG URL, section 5), as RFC 6749, appendix B, has it: UTF-8, each name at most
/// once.
struct FormFields: Sendable {
    enum Failure: Error, Hashable {
        case malformed
        case twice(String)

        var detail: String {
            switch self {
            case .malformed: "The body is not a form in UTF-8."
            case .twice(let name): "The parameter '\(name)' is given twice."
            }
        }
    }

    private let values: [String: String]

    init(_ body: some Collection<UInt8>) throws(Failure) {
        var values: [String: String] = [:]
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try FormFields.decode(parts[0])
            let value = try parts.count == 2 ? FormFields.decode(parts[1]) : ""
            guard values.updateValue(value, forKey: name) == nil else { throw .twice(String(name.prefix(40))) }
        }
        self.values = values
    }

    /// A parameter without a value counts as absent (RFC 6749, section 3.2).
    subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    private static func decode(_ text: some Collection<UInt8>) throws(Failure) -> String {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { throw .malformed }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
