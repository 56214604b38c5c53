/// Parameters of a statement, in binary format, in one buffer.
struct ParameterList {
    private(set) var types: [PostgresType] = []
    private var ranges: [Range<Int>?] = []
    private var bytes: [UInt8] = []

    init(_ values: [any PostgresValue]) {
        for value in values { append(value) }
    }

    private mutating func append(_ value: some PostgresValue) {
        types.append(value.postgresType)
        guard !value.isNull else {
            ranges.append(nil)
            return
        }
        let start = bytes.count
        value.write(to: &bytes)
        ranges.append(start..<bytes.count)
    }

    /// The pointers are valid within `body` only.
    func withPointers<T>(_ body: ([UnsafePointer<CChar>?], [Int32]) -> T) -> T {
        // One byte more, so that an empty buffer has an address too: a null pointer means NULL.
        (bytes + [0]).withUnsafeBytes { raw in
            let base = raw.baseAddress!.assumingMemoryBound(to: CChar.self)
            return body(ranges.map { $0.map { base + $0.lowerBound } }, ranges.map { Int32($0?.count ?? 0) })
        }
    }
}
