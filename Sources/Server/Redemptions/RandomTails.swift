import Credentials
import Domain

/// Makes random tails of redemptions' ids, for requests without a key. It fetches many at once: to ask the system for each took a
/// twentieth of a redemption's time in the server. It keeps the rest, so each event loop has its own.
struct RandomTails {
    private static let bytesEach = 16
    /// Tails that are fetched at once: 4 KiB.
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
