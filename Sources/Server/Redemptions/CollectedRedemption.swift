import NIOCore

/// A redemption that NIO's decoder or Hummingbird has taken apart already. Values and body are copied into one buffer.
struct CollectedRedemption {
    private var fields = RedemptionFields()
    /// The values, then the body.
    private var bytes = ByteBuffer()
    private let bodyStart: Int

    /// - Parameter headers: names and values; no blanks are around the values.
    init(_ headers: some Sequence<(name: String, value: String)>) {
        for (name, value) in headers {
            var name = name
            guard let field = name.withUTF8(RedemptionFields.Name.init) else { continue }
            let start = bytes.writerIndex
            bytes.writeString(value)
            fields.add(field, at: start..<bytes.writerIndex)
        }
        bodyStart = bytes.writerIndex
    }

    var bodyBytes: Int { bytes.writerIndex - bodyStart }

    mutating func append(body part: ByteBuffer) {
        bytes.writeImmutableBuffer(part)
    }

    func withText<Result>(_ body: (RedemptionText) -> Result) -> Result {
        bytes.withUnsafeReadableBytes { memory in
            body(
                RedemptionText(
                    fields: fields,
                    body: UnsafeRawBufferPointer(rebasing: memory[bodyStart...]),
                    bytes: memory.bindMemory(to: UInt8.self)
                )
            )
        }
    }

    var requestID: RequestID? { withText(\.requestID) }

    func judged(by judge: RedemptionJudge) throws(Problem) -> RedemptionOrder {
        let result = withText { text in Result { () throws(Problem) in try judge.judge(text) } }
        return try result.get()
    }
}
