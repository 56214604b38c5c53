internal import Configuration
internal import Server

/// The two secrets of a service. Each is used as the bytes of its text.
///
/// | key | variable | default |
/// |---|---|---|
/// | token.key (signs access tokens) | REDEEM_TOKEN_KEY | none |
/// | code.key (digests hidden codes) | REDEEM_CODE_KEY | none |
extension ServiceKey {
    static func token(_ reader: ConfigReader) throws -> ServiceKey { try ServiceKey("token.key", reader) }
    static func code(_ reader: ConfigReader) throws -> ServiceKey { try ServiceKey("code.key", reader) }

    private init(_ key: String, _ reader: ConfigReader) throws {
        let variable = ConfigReader.variable(key)
        let remedy = "make one with: openssl rand -hex 32"
        guard let text = reader.text(key) else { throw UsageError("\(variable) is not set", remedy: remedy) }
        guard let value = ServiceKey(bytes: Array(text.utf8)) else {
            throw UsageError(
                "\(variable) has \(text.utf8.count) bytes; it needs at least \(ServiceKey.leastBytes)",
                remedy: remedy
            )
        }
        self = value
    }
}
