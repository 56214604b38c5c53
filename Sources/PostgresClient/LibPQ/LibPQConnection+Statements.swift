import CLibPQ

extension LibPQConnection {
    /// Runs statements without parameters, separated by semicolons, and returns the result of the last one.
    func runScript(_ sql: String) throws(PostgresError) -> LibPQResult {
        try exchange { PQsendQuery(handle, sql) }
    }

    func prepare(_ name: String, _ sql: String, types: [PostgresType]) throws(PostgresError) {
        let types = types.map(\.rawValue)
        _ = try exchange { PQsendPrepare(handle, name, sql, Int32(types.count), types) }
    }

    /// Runs a prepared statement. Parameters and results are in binary format.
    func runPrepared(_ name: String, _ parameters: ParameterList) throws(PostgresError) -> LibPQResult {
        try exchange {
            parameters.withPointers { values, lengths in
                let formats = [Int32](repeating: 1, count: values.count)
                return PQsendQueryPrepared(handle, name, Int32(values.count), values, lengths, formats, 1)
            }
        }
    }

    /// Sends statements by `send`, and waits for the answer to all of them.
    private func exchange(_ send: () -> Int32) throws(PostgresError) -> LibPQResult {
        let alone = transactionState == .idle
        guard !isLost else { throw PostgresError(.connectionLost, "the connection is lost") }
        guard send() == 1 else { throw failure(outcomeIsUnknown: alone) }
        return try finish(outcomeIsUnknown: alone)
    }

    /// Waits for the answer to the statements that were sent: the last result, or the first error.
    func finish(outcomeIsUnknown: Bool) throws(PostgresError) -> LibPQResult {
        let deadline = replyTimeout.map { ContinuousClock.now + $0 }
        try flush(until: deadline, outcomeIsUnknown: outcomeIsUnknown)
        var last: LibPQResult?
        var failed: LibPQResult?
        while let result = try nextResult(until: deadline, outcomeIsUnknown: outcomeIsUnknown) {
            if result.isError {
                failed = failed ?? result
                if result.endsConnection { break }
            } else {
                last = result
                // The connection now expects data, not another PQgetResult.
                if result.status == PGRES_COPY_IN { break }
            }
        }
        if let failed {
            if failed.endsConnection { abandon() }
            guard isLost else { throw failed.error(.serverError, outcomeIsUnknown: false) }
            throw failed.error(.connectionLost, outcomeIsUnknown: outcomeIsUnknown)
        }
        guard let last else { throw failure(outcomeIsUnknown: outcomeIsUnknown) }
        return last
    }

    private func nextResult(
        until deadline: ContinuousClock.Instant?,
        outcomeIsUnknown: Bool
    ) throws(PostgresError) -> LibPQResult? {
        while PQisBusy(handle) == 1 {
            guard try wait(reading: true, writing: false, until: deadline) == .ready else {
                throw timedOut(outcomeIsUnknown: outcomeIsUnknown)
            }
            // If this fails, PQgetResult tells the reason, by the server's last message if there is one.
            if PQconsumeInput(handle) == 0 { break }
        }
        return PQgetResult(handle).map(LibPQResult.init(taking:))
    }

    /// Hands all queued bytes to the kernel. It reads meanwhile, since a server that cannot write does not read either.
    func flush(until deadline: ContinuousClock.Instant?, outcomeIsUnknown: Bool) throws(PostgresError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                guard try wait(reading: true, writing: true, until: deadline) == .ready else {
                    throw timedOut(outcomeIsUnknown: outcomeIsUnknown)
                }
                if PQconsumeInput(handle) == 0 { return }
            // PQgetResult still has to read the server's last message.
            default: return
            }
        }
    }

    private func timedOut(outcomeIsUnknown: Bool) -> PostgresError {
        abandon()
        return PostgresError(
            .connectionLost,
            "Postgres did not answer within \(replyTimeout ?? .zero)",
            outcomeIsUnknown: outcomeIsUnknown
        )
    }

    func failure(outcomeIsUnknown: Bool) -> PostgresError {
        guard isLost else { return PostgresError(.protocolViolation, lastMessage) }
        return PostgresError(.connectionLost, lastMessage, outcomeIsUnknown: outcomeIsUnknown)
    }
}
