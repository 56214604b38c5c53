/// The value of a `Content-Type`.
enum MediaType {
    static let json = "application/json"

    /// True for JSON with any parameters, since JSON has one encoding (RFC 8259, section 8.1).
    static func isJSON(_ value: String) -> Bool {
        value == json || isType(value, json)
    }

    static func isForm(_ value: String) -> Bool { isType(value, "application/x-www-form-urlencoded") }

    private static func isType(_ value: String, _ type: String) -> Bool {
        value.prefix { $0 != ";" }.lowercased().trimmingSpaces == type
    }
}

extension String {
    fileprivate var trimmingSpaces: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = lastIndex(where: { !isSpace($0) }) else { return "" }
        return self[...last].drop(while: isSpace)
    }
}
