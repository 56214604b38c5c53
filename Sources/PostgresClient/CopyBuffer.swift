/// Rows of a binary COPY on their way to the server.
public struct CopyBuffer {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends one row. The values have the order of the COPY's columns, and exactly their types: a binary COPY converts nothing.
    public mutating func row<each Value: PostgresValue>(_ values: repeat each Value) {
        let start = bytes.count
        var fields: Int16 = 0
        bytes.appendBigEndian(fields)
        for value in repeat each values {
            bytes.appendField(value)
            fields += 1
        }
        bytes[start] = UInt8(truncatingIfNeeded: fields >> 8)
        bytes[start + 1] = UInt8(truncatingIfNeeded: fields)
    }

    /// Writes the header: signature, flags, and the length of an extension.
    mutating func header() {
        bytes.append(contentsOf: [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00])
        bytes.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
    }

    mutating func trailer() {
        bytes.append(contentsOf: [0xFF, 0xFF])
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }
}
