import HTTPTypes
import NIOHTTP1

extension HTTPRequest {
    /// Converts a head that NIO's decoder has read.
    init(_ head: HTTPRequestHead) {
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        // The decoder lets only tokens through as methods. A method that is no token would match no route anyway.
        self.init(
            method: Method(head.method.rawValue) ?? .connect,
            scheme: nil,
            authority: nil,
            path: head.path,
            headerFields: fields
        )
    }
}

extension HTTPRequestHead {
    /// The target without scheme and authority, which a client may send though it talks to no proxy (RFC 9112, section 3.2.2).
    fileprivate var path: String {
        guard !uri.utf8.starts(with: "/".utf8), let scheme = uri.firstRange(of: "://") else { return uri }
        let rest = uri[scheme.upperBound...]
        guard let start = rest.utf8.firstIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }) else { return "/" }
        return rest.utf8[start] == UInt8(ascii: "/") ? String(rest[start...]) : "/\(rest[start...])"
    }
}
