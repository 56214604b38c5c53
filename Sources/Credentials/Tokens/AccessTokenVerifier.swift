import Domain

/// Checks access tokens, without an `await` and without Foundation: it runs on the event loop for each redemption.
package struct AccessTokenVerifier: Sendable {
    private let keys: TokenKeys
    private let issuer: [UInt8]
    private let audience: [UInt8]

    package init(keys: TokenKeys, parties: TokenParties = .standard) {
        self.keys = keys
        issuer = Array(parties.issuer.utf8)
        audience = Array(parties.audience.utf8)
    }

    /// - Parameter now: seconds of Unix time.
    package func verify(_ token: some StringProtocol, now: Int) throws(AccessToken.Failure) -> AccessToken {
        var token = String(token)
        let result = token.withUTF8 { bytes in
            Result { () throws(AccessToken.Failure) in try verify(bytes, now: now) }
        }
        return try result.get()
    }

    package func verify(_ token: UnsafeBufferPointer<UInt8>, now: Int) throws(AccessToken.Failure) -> AccessToken {
        guard token.count <= AccessToken.bytes, let key = keys.key(of: token),
            let dot = token.lastIndex(of: UInt8(ascii: ".")), dot > key.header.count
        else { throw .invalid }
        let payload = UnsafeBufferPointer(rebasing: token[key.header.count..<dot])
        let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(token)[..<dot])
        try checkSignature(token[(dot + 1)...], of: signed, with: key)

        // From here on the bytes are of our making, unless the key has leaked. They are read as strictly all the same.
        let result = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: AccessToken.bytes) { memory in
            Result { () throws(AccessToken.Failure) in
                guard let count = Base64.decode(payload, into: UnsafeMutableRawBufferPointer(memory)) else { throw .invalid }
                return try accessToken(in: UnsafeBufferPointer(rebasing: memory[..<count]))
            }
        }
        let claims = try result.get()
        guard claims.issuedAt <= now + AccessToken.leeway else { throw .invalid }
        guard now < claims.expiresAt else { throw .expired }
        return claims
    }

    private func checkSignature(
        _ text: Slice<UnsafeBufferPointer<UInt8>>,
        of signed: UnsafeRawBufferPointer,
        with key: TokenKey
    ) throws(AccessToken.Failure) {
        var signature = Digest32()
        let count = signature.withUnsafeMutableBytes { Base64.decode(UnsafeBufferPointer(rebasing: text), into: $0) }
        guard count == SHA256.byteCount, key.hmac.authenticate(signed).matches(signature) else { throw .invalid }
    }
}

extension AccessTokenVerifier {
    /// Reads a payload. It must have each member that we write exactly once, and no others, whose meaning we would not know.
    private func accessToken(in payload: UnsafeBufferPointer<UInt8>) throws(AccessToken.Failure) -> AccessToken {
        var isFromUs = false
        var isForUs = false
        var user: UserID?
        var session: SessionID?
        var role: Role?
        var issuedAt: Int?
        var expiresAt: Int?
        var members = 0
        do throws(JSONReader.Failure) {
            var reader = try JSONReader(payload)
            try reader.object { (name, reader) throws(JSONReader.Failure) in
                members += 1
                if name == "iss" {
                    isFromUs = try reader.string() == issuer
                } else if name == "aud" {
                    isForUs = try reader.string() == audience
                } else if name == "sub" {
                    user = try reader.string().withBytes { UUIDv7(text: $0) }.map(UserID.init(uuid:))
                } else if name == "sid" {
                    session = try reader.string().withBytes { UUIDv7(text: $0) }.map(SessionID.init(uuid:))
                } else if name == "role" {
                    let text = try reader.string()
                    role = Role.allCases.first { text == $0.rawValue.utf8 }
                } else if name == "iat" {
                    issuedAt = try reader.integer()
                } else if name == "exp" {
                    expiresAt = try reader.integer()
                } else {
                    throw reader.failure()
                }
            }
            try reader.end()
        } catch {
            throw .invalid
        }
        guard isFromUs, isForUs, let user, let session, let role, let issuedAt, let expiresAt, members == 7 else {
            throw .invalid
        }
        return AccessToken(user: user, session: session, role: role, issuedAt: issuedAt, expiresAt: expiresAt)
    }
}
