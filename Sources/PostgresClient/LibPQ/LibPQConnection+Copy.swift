import CLibPQ

extension LibPQConnection {
    /// Bytes of COPY data sent at once.
    private static let copyChunk = 64 * 1024

    /// Runs `COPY … FROM STDIN` in binary format. `fill` appends some rows and returns whether there are more.
    func copyIn(_ sql: String, fill: (inout CopyBuffer) -> Bool) throws(PostgresError) -> Int {
        let alone = transactionState == .idle
        let answer = try runScript(sql)
        guard answer.status == PGRES_COPY_IN else {
            throw PostgresError(.protocolViolation, "not a COPY … FROM STDIN: \(sql)")
        }
        var buffer = CopyBuffer(capacity: LibPQConnection.copyChunk * 2)
        buffer.header()
        while fill(&buffer) {
            guard buffer.bytes.count >= LibPQConnection.copyChunk else { continue }
            try put(buffer.bytes, outcomeIsUnknown: alone)
            buffer.removeAll()
        }
        buffer.trailer()
        try put(buffer.bytes, outcomeIsUnknown: alone)
        if PQputCopyEnd(handle, nil) != 1, !isLost { throw failure(outcomeIsUnknown: alone) }
        return try finish(outcomeIsUnknown: alone).affectedRows
    }

    private func put(_ bytes: [UInt8], outcomeIsUnknown: Bool) throws(PostgresError) {
        // If the server is gone or has refused already, `finish` throws the reason.
        let sent = bytes.withUnsafeBytes { raw in
            PQputCopyData(handle, raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count))
        }
        guard sent == 1 || isLost else { throw failure(outcomeIsUnknown: outcomeIsUnknown) }
        try flush(until: replyTimeout.map { ContinuousClock.now + $0 }, outcomeIsUnknown: outcomeIsUnknown)
    }
}
