internal import Foundation

extension Timestamp {
    /// RFC 3339 for people, with milliseconds where there are some, so that what is read back is the same moment. Beyond the year
    /// 9999 it is of ISO 8601 only.
    public var text: String {
        let text = Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
        let rest = milliseconds % 1000
        guard rest > 0, text.hasSuffix("Z") else { return text }
        return "\(text.dropLast()).\(String(1000 + rest).dropFirst())Z"
    }
}
