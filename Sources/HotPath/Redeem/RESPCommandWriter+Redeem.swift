public import Domain
public import RedisClient

// Each of these appends one argument.
extension RESPCommandWriter {
    /// Appends `prefix`, and the text of `uuid` behind it.
    public mutating func append(_ prefix: String, _ uuid: UUIDv7) {
        append(prefix, bytes: UUIDv7.textBytes) { uuid.write(to: $0) }
    }

    /// Appends the digest's hexadecimal digits.
    public mutating func append(_ digest: CodeDigest) {
        append(bytes: CodeDigest.hexDigits) { digest.writeHex(to: $0) }
    }

    /// Appends the users of the requests, then their tails, as `redeem.lua` takes them and the outbox has them.
    package mutating func append(redemptionsOf requests: some Collection<RedeemRequest>) {
        append(bytes: RedemptionsBlob.bytesEach * requests.count) { target in
            var (user, tail) = (target, target + UUIDv7.byteCount * requests.count)
            for request in requests {
                request.user.uuid.writeBytes(to: user)
                request.tail.writeBase64URL(to: tail)
                user += UUIDv7.byteCount
                tail += UUIDv7.Tail.base64URLBytes
            }
        }
    }
}
