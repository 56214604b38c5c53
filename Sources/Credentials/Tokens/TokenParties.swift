/// The issuer and the audience of tokens: the claims `iss` and `aud` (RFC 9068, section 2.2). They tell our tokens from those of another
/// service with the same key.
public struct TokenParties: Sendable, Hashable {
    public let issuer: String
    public let audience: String

    public static let rule = "1 to 100 characters of ASCII without spaces, quotes and backslashes"
    public static let standard = TokenParties(issuer: "redeem", audience: "redeem")!

    /// `nil` where one of them is not as `rule` says.
    public init?(issuer: String, audience: String) {
        guard TokenParties.isValid(issuer), TokenParties.isValid(audience) else { return nil }
        self.issuer = issuer
        self.audience = audience
    }

    /// True if the text needs no escape in JSON.
    private static func isValid(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}
