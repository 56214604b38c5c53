import Credentials
import Domain

extension AccessTokenVerifier {
    private static let scheme = "bearer "

    /// The contents of an access token; `nil`: it is not valid now.
    func token(_ text: String) -> AccessToken? {
        do {
            return try verify(text, now: Int(Timestamp.now().milliseconds / 1000))
        } catch {
            return nil
        }
    }

    /// The caller of a request, by its `Authorization` (RFC 6750, section 2.1).
    /// - Parameter times: how many such fields the request has.
    func caller(authorization: String?, times: Int) throws(Problem) -> AccessToken {
        guard var field = authorization else { throw .noToken }
        let result = field.withUTF8 { bytes in
            Result { () throws(Problem) in try caller(authorization: bytes, isRepeated: times > 1) }
        }
        return try result.get()
    }

    /// The caller of a request, by the bytes of its first `Authorization`; `nil`: it has none.
    func caller(authorization bytes: UnsafeBufferPointer<UInt8>?, isRepeated: Bool) throws(Problem) -> AccessToken {
        guard let bytes else { throw .noToken }
        guard !isRepeated else { throw Problem(.tokenInvalid, "The header Authorization is given twice.") }
        let scheme = AccessTokenVerifier.scheme.utf8
        // The scheme's name has no case: `| 0x20` makes letters small and leaves the space as it is.
        guard bytes.count > scheme.count, bytes.prefix(scheme.count).elementsEqual(scheme, by: { $0 | 0x20 == $1 }) else {
            throw Problem(.tokenInvalid)
        }
        let token = UnsafeBufferPointer(rebasing: bytes[scheme.count...])
        do {
            return try verify(token, now: Int(Timestamp.now().milliseconds / 1000))
        } catch {
            switch error {
            case .invalid: throw Problem(.tokenInvalid)
            case .expired: throw Problem(.tokenExpired)
            }
        }
    }
}

extension Problem {
    /// A request without a token is told to send one. RFC 6750, section 3.1, wants no error code in this challenge.
    static let noToken = Problem(
        .tokenInvalid,
        "The header Authorization: Bearer <token> is missing.",
        challenge: "Bearer realm=\"redeem\""
    )
}
