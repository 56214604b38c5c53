public import Domain
public import RedisClient

// One argument each.
extension RESPCommandWriter {
    /// The text of `uuid` behind `prefix`.
    public mutating func append(_ prefix: String, _ uuid: UUIDv7) {
        append(prefix, bytes: UUIDv7.textBytes) { uuid.write(to: $0) }
    }

    /// The digest's hexadecimal digits.
    public mutating func append(_ digest: CodeDigest) {
        append(bytes: CodeDigest.hexDigits) { digest.writeHex(to: $0) }
    }

    /// The users of the requests, then their tails, as `redeem.lua` takes them and the outbox has them.
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
