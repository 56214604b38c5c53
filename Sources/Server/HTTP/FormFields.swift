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
        guard let decoded = PercentEncoding.decode(text, plusIsSpace: true) else { throw .malformed }
        return decoded
    }
}
