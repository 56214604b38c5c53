import Domain

/// Redemptions as `redeem.lua` takes them and an outbox entry has them: the 16 bytes of each user, then the 14 characters of each tail.
enum RedemptionsBlob {
    static let bytesEach = UUIDv7.byteCount + UUIDv7.Tail.base64URLBytes

    enum Fault: Error {
        /// The number of bytes is 0, or not that of whole redemptions.
        case length(Int)
        case user(place: Int)
        case tail(place: Int)
    }

    static func read(_ bytes: [UInt8]) throws(Fault) -> [(user: UserID, tail: UUIDv7.Tail)] {
        guard !bytes.isEmpty, bytes.count.isMultiple(of: bytesEach) else { throw .length(bytes.count) }
        let count = bytes.count / bytesEach
        var redemptions: [(user: UserID, tail: UUIDv7.Tail)] = []
        redemptions.reserveCapacity(count)
        for place in 0..<count {
            let user = bytes[(UUIDv7.byteCount * place)...].prefix(UUIDv7.byteCount)
            let tail = bytes[(UUIDv7.byteCount * count + UUIDv7.Tail.base64URLBytes * place)...].prefix(
                UUIDv7.Tail.base64URLBytes
            )
            guard let user = UUIDv7(bytes: user) else { throw .user(place: place) }
            guard let tail = UUIDv7.Tail(base64URL: tail) else { throw .tail(place: place) }
            redemptions.append((UserID(uuid: user), tail))
        }
        return redemptions
    }
}
