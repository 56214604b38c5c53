import Synchronization

/// A key for access tokens, with all that can be made from it before there is a token.
struct TokenKey: Sendable {
    private static let idLabel = "redeem access token key"

    /// What tokens call the key (`kid`): made from the key, so that two keys never have one id and nobody has to think of any.
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
    /// Bytes of an id: enough for two keys to differ, and no help in looking for one.
    private static let idBytes = 6

    /// What its key is known by.
    func id(_ label: String) -> String { Base64.encode(authenticate(Array(label.utf8)).bytes.prefix(HMACSHA256.idBytes)) }
}

/// The keys for access tokens: the first signs, all verify. Shared by anyone who signs or verifies, and replaced while they do.
///
/// A key is replaced in three steps, each on all servers before the next: the new key among the others, the new key first, the old
/// key gone. So whatever any server signs all of them verify.
public final class TokenKeys: Sendable {
    /// One that signs, one that will, one that did, and one to spare.
    public static let limit = 4

    private let keys: Mutex<[TokenKey]>

    /// - Parameters:
    ///   - signing: signs and verifies.
    ///   - others: verify only; at most `limit` keys in all.
    public init(signing: ServiceKey, others: [ServiceKey] = []) {
        keys = Mutex(TokenKeys.keys(signing, others))
    }

    /// From now on these are the keys. Tokens of a key that is not among them are invalid.
    public func replace(signing: ServiceKey, others: [ServiceKey]) {
        let new = TokenKeys.keys(signing, others)
        keys.withLock { $0 = new }
    }

    /// The ids of the keys; the first signs.
    public var ids: [String] { keys.withLock { $0.map(\.id) } }

    var signing: TokenKey { keys.withLock { $0[0] } }

    /// The key that a token was made with, by its header: what a token says there picks among our keys and chooses nothing else
    /// (RFC 8725, sections 3.1 and 3.10). `nil`: none of them.
    func key(of token: UnsafeBufferPointer<UInt8>) -> TokenKey? {
        keys.withLock { $0 }.first { token.starts(with: $0.header) }
    }

    private static func keys(_ signing: ServiceKey, _ others: [ServiceKey]) -> [TokenKey] {
        precondition(others.count < limit)
        return ([signing] + others).map(TokenKey.init)
    }
}
