/// One of the slots into which a Redis Cluster divides its keys. A slot is on one node at a time.
public struct HashSlot: Hashable, Sendable, CustomStringConvertible {
    public static let count = 16_384

    public let number: Int

    /// - Parameter number: from 0 to 16,383.
    public init(_ number: Int) {
        precondition((0..<HashSlot.count).contains(number))
        self.number = number
    }

    /// The slot of a key: of what is between the key's first `{` and the `}` that follows, if that is not empty, or else of all of it
    /// ("Redis cluster specification", "Hash tags").
    public init(of key: String) {
        let bytes = Array(key.utf8)
        var hashed = bytes[...]
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")), let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")),
            close > open + 1
        {
            hashed = bytes[(open + 1)..<close]
        }
        self.init(Int(HashSlot.crc16(hashed)) % HashSlot.count)
    }

    public var description: String { String(number) }

    /// CRC-16/XMODEM: polynomial 0x1021, no reflection, from 0.
    private static func crc16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.reduce(into: 0) { crc, byte in
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
    }
}
