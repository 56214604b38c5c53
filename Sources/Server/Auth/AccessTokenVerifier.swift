import Domain

/// Checks access tokens, without an `await` and without Foundation: it runs on the event loop for each redemption.
struct AccessTokenVerifier: Sendable {
    private let hmac: HMACSHA256

    init(key: ServiceKey) {
        hmac = HMACSHA256(key: key.bytes)
    }

    /// - Parameter now: seconds of Unix time.
    func verify(_ token: some StringProtocol, now: Int) throws(AccessToken.Failure) -> AccessToken {
        var token = String(token)
        let result = token.withUTF8 { bytes in
            Result { () throws(AccessToken.Failure) in try verify(bytes, now: now) }
        }
        return try result.get()
    }

    func verify(_ token: UnsafeBufferPointer<UInt8>, now: Int) throws(AccessToken.Failure) -> AccessToken {
        let header = AccessToken.header.utf8
        guard token.count <= AccessToken.bytes, token.starts(with: header), let dot = token.lastIndex(of: UInt8(ascii: ".")),
            dot > header.count
        else { throw .invalid }
        let payload = UnsafeBufferPointer(rebasing: token[header.count..<dot])
        try checkSignature(token[(dot + 1)...], of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(token)[..<dot]))

        // From here on the bytes are ours, unless the key is lost; they are read as strictly all the same.
        let result = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: AccessToken.bytes) { memory in
            Result { () throws(AccessToken.Failure) in
                guard let count = Base64.decode(payload, into: UnsafeMutableRawBufferPointer(memory)) else { throw .invalid }
                return try AccessToken(payload: UnsafeBufferPointer(rebasing: memory[..<count]))
            }
        }
        let claims = try result.get()
        guard claims.issuedAt <= now + AccessToken.leeway else { throw .invalid }
        guard now < claims.expiresAt else { throw .expired }
        return claims
    }

    private func checkSignature(
        _ text: Slice<UnsafeBufferPointer<UInt8>>,
        of signed: UnsafeRawBufferPointer
    ) throws(AccessToken.Failure) {
        var signature = Digest32()
        let count = signature.withUnsafeMutableBytes { Base64.decode(UnsafeBufferPointer(rebasing: text), into: $0) }
        guard count == SHA256.byteCount, hmac.authenticate(signed).matches(signature) else { throw .invalid }
    }
}

extension AccessToken {
    /// Reads a payload: each member that we write once, and others not at all, since we would not know what they ask of us.
    fileprivate init(payload: UnsafeBufferPointer<UInt8>) throws(Failure) {
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
                if name == "sub" {
                    user = UserID(try reader.string().string)
                } else if name == "sid" {
                    session = SessionID(try reader.string().string)
                } else if name == "role" {
                    let text = try reader.string()
                    role = Role.allCases.first { $0.rawValue.utf8.elementsEqual(text.bytes) }
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
        guard let user, let session, let role, let issuedAt, let expiresAt, members == 5 else { throw .invalid }
        self.init(user: user, session: session, role: role, issuedAt: issuedAt, expiresAt: expiresAt)
    }
}
