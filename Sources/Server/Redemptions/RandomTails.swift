import Credentials
import Domain

/// Random tails of redemptions' ids, for requests without a key. One for each loop, since it keeps what it has fetched: asking the
/// system for each took a twentieth of a redemption's time in the server.
struct RandomTails {
    private static let bytesEach = 16
    /// Fetched at once: 4 KiB.
    private static let count = 256

    private var bytes: [UInt8] = []
    private var offset = 0

    mutating func next() -> UUIDv7.Tail {
        if offset == bytes.count {
            bytes = SecureRandom.bytes(RandomTails.count * RandomTails.bytesEach)
            offset = 0
        }
        defer { offset += RandomTails.bytesEach }
        return bytes.withUnsafeBytes { memory in
            UUIDv7.Tail(
                high: memory.loadUnaligned(fromByteOffset: offset, as: UInt16.self),
                low: memory.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            )
        }
    }
}
