import Synchronization

/// A key for access tokens, with everything that can be computed from it in advance.
struct TokenKey: Sendable {
    private static let idLabel = "redeem access token key"

    /// The key's id in tokens (`kid`). It is computed from the key, so different keys have different ids, and nobody has to choose one.
    let id: String
    /// The only header that its tokens have, with the dot behind it (RFC 9068: `at+jwt`).
    let header: [UInt8]
    let hmac: HMACSHA256

    init(_ key: ServiceKey) {
        hmac = HMACSHA256(key: key.bytes)
        id = hmac.id(TokenKey.idLabel)
        header = Array((Base64.encode(#"{"alg":"HS256","kid":"\#(id)","typ":"at+jwt"}"#.utf8) + ".").utf8)
    }
}

extension HMACSHA256 {
    /// Bytes of an id: enough for different keys to have different ids, and no help in finding a key.
    private static let idBytes = 6

    /// The id of the key, computed from it by a label for its use.
    func id(_ label: String) -> String { Base64.encode(authenticate(Array(label.utf8)).bytes.prefix(HMACSHA256.idBytes)) }
}

/// The keys for access tokens: the first signs, all verify. Signers and verifiers share them, and they may be replaced at any time.
///
/// A key is replaced in three steps, each on all servers before the next: the new key among the others, the new key first, the old
/// key gone. So all servers verify what any server signs.
public final class TokenKeys: Sendable {
    /// The most keys: one that signs, one that will sign, one that did, and one to spare.
    public static let limit = 4

    private let keys: Mutex<[TokenKey]>

    /// - Parameters:
    ///   - signing: signs and verifies.
    ///   - others: verify only; at most `limit` keys in all.
    public init(signing: ServiceKey, others: [ServiceKey] = []) {
        keys = Mutex(TokenKeys.keys(signing, others))
    }

    /// Replaces the keys. Tokens that were made with another key are invalid then.
    public func replace(signing: ServiceKey, others: [ServiceKey]) {
        let new = TokenKeys.keys(signing, others)
        keys.withLock { $0 = new }
    }

    /// The ids of the keys; the first signs.
    public var ids: [String] { keys.withLock { $0.map(\.id) } }

    var signing: TokenKey { keys.withLock { $0[0] } }

    /// The key that a token was made with, by its header. The header only picks one of our keys, and chooses nothing else (RFC 8725,
    /// sections 3.1 and 3.10). `nil` if the token was made with another key than ours.
    func key(of token: UnsafeBufferPointer<UInt8>) -> TokenKey? {
        keys.withLock { $0 }.first { token.starts(with: $0.header) }
    }

    private static func keys(_ signing: ServiceKey, _ others: [ServiceKey]) -> [TokenKey] {
        precondition(others.count < limit)
        return ([signing] + others).map(TokenKey.init)
    }
}
