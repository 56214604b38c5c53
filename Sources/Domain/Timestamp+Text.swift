internal import Foundation

extension Timestamp {
    /// The moment for people, in RFC 3339. It has milliseconds if there are any, so it is read back as the same moment. After the year
    /// 9999 it is ISO 8601 only.
    public var text: String {
        let text = Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
        let rest = milliseconds % 1000
        guard rest > 0, text.hasSuffix("Z") else { return text }
        return "\(text.dropLast()).\(String(1000 + rest).dropFirst())Z"
    }
}
