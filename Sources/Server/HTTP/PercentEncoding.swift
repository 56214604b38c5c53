import Domain

/// Percent-encoding (RFC 3986, section 2.1) of UTF-8.
enum PercentEncoding {
    /// `nil`: an escape is malformed, or the decoded bytes are not UTF-8.
    static func decode(_ text: String) -> String? { decode(text.utf8) }

    /// - Parameter plusIsSpace: `+` stands for a space, as in forms.
    static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next()?.hexValue, let low = rest.next()?.hexValue else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
