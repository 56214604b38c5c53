import NIOHTTP1

/// The requests that the hot route answers: `POST /v1/coupons/{coupon}/redemptions`.
enum HotRoute {
    static let label = "POST /v1/coupons/{coupon}/redemptions"
    private static let prefix = "/v1/coupons/"
    private static let suffix = "/redemptions"

    /// The coupon's part of the path as it was sent. `nil`: the request is for another route.
    static func coupon(in head: HTTPRequestHead) -> Substring? {
        guard head.method == .POST, head.uri.utf8.starts(with: prefix.utf8) else { return nil }
        let path = head.uri.utf8.firstIndex(of: UInt8(ascii: "?")).map { head.uri[..<$0] } ?? head.uri[...]
        // Bytes are compared: a comparison of characters costs a microsecond.
        guard path.utf8.count > prefix.utf8.count + suffix.utf8.count,
            path.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        let bytes = path.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
        // An id needs no percent-encoding. A path with one is left to Hummingbird's router.
        return bytes.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") } ? nil : Substring(bytes)
    }
}
