internal import Configuration
internal import Credentials
internal import Foundation
internal import Server
internal import Terminal

/// The secrets of a service. Each is used as the bytes of its text.
extension ServiceKey {
    static let remedy = "make one with: openssl rand -hex 32"

    /// The key that signs access tokens.
    static func token(_ reader: ConfigReader) throws -> ServiceKey {
        try checkForLists(reader.text("token.key") ?? "", "token.key")
        return try ServiceKey("token.key", reader)
    }

    /// The key under which hidden codes are digested.
    static func code(_ reader: ConfigReader) throws -> ServiceKey { try ServiceKey("code.key", reader) }

    /// Further keys that access tokens may be signed with, separated by commas.
    static func otherTokenKeys(_ reader: ConfigReader) throws -> [ServiceKey] {
        let name = "token.other_keys"
        let keys = try (reader.text(name) ?? "").split(separator: ",").map { part in
            let text = part.trimmingCharacters(in: CharacterSet(charactersIn: " "))
            try checkForLists(text, name)
            return try ServiceKey(text, name)
        }
        guard keys.count < TokenKeys.limit else {
            throw UsageError(
                "\(ConfigReader.variable(name)) has \(keys.count) keys",
                remedy: "give at most \(TokenKeys.limit - 1): those that may have signed a token that still lives, or will"
            )
        }
        return keys
    }

    /// Refuses separators in a key, since the same key must work alone and in a list.
    private static func checkForLists(_ text: String, _ name: String) throws {
        guard !text.contains(where: { ", \t\"'".contains($0) }) else {
            throw UsageError(
                "\(ConfigReader.variable(name)): a key contains a comma, a space or a quote",
                remedy: ServiceKey.remedy
            )
        }
    }

    private init(_ name: String, _ reader: ConfigReader) throws {
        guard let text = reader.text(name) else {
            throw UsageError("\(ConfigReader.variable(name)) is not set", remedy: ServiceKey.remedy)
        }
        try self.init(text, name)
    }

    private init(_ text: String, _ name: String) throws {
        guard let key = ServiceKey(bytes: Array(text.utf8)) else {
            throw UsageError(
                "\(ConfigReader.variable(name)): a key has \(text.utf8.count) bytes; it needs at least \(ServiceKey.leastBytes)",
                remedy: ServiceKey.remedy
            )
        }
        self = key
    }
}

extension TokenKeys {
    /// Takes the keys from the settings. If none is set, a server that only this machine reaches makes a key of its own.
    /// - Parameter host: where the API listens.
    convenience init(_ reader: ConfigReader, host: String, warn: (String) -> Void) throws {
        let others = try ServiceKey.otherTokenKeys(reader)
        do {
            self.init(signing: try ServiceKey.token(reader), others: others)
        } catch let error as UsageError {
            guard ServerConfiguration.isLoopback(host: host) else {
                throw UsageError(
                    "\(error.problem), and the API would listen on \(host)",
                    remedy: "\(error.remedy); without a key it listens on loopback only"
                )
            }
            warn(
                """
                warning: \(error.problem). This process signs tokens with a key of its own: they are good for no other server, and \
                end with it. The API listens on \(host) only.
                  \(error.remedy)
                """
            )
            self.init(signing: .random(), others: others)
        }
    }
}

extension TokenParties {
    init(_ reader: ConfigReader) throws {
        let standard = TokenParties.standard
        let issuer = reader.text("token.issuer", default: standard.issuer)
        let audience = reader.text("token.audience", default: standard.audience)
        guard let parties = TokenParties(issuer: issuer, audience: audience) else {
            throw UsageError(
                "REDEEM_TOKEN_ISSUER or REDEEM_TOKEN_AUDIENCE is not valid",
                remedy: "use \(TokenParties.rule)"
            )
        }
        self = parties
    }
}
