/// The view that a transaction has of the database.
public enum TransactionMode: Sendable {
    /// Each statement sees what was committed before it began.
    case readCommitted
    /// All statements see what was committed before the first of them; nothing can be written.
    case snapshotReadOnly
}

extension PostgresConnection {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws. Transactions do not nest.
    ///
    /// An error whose `outcomeIsUnknown` is true means that the reply to COMMIT was lost.
    public func transaction<T>(_ mode: TransactionMode = .readCommitted, _ body: () throws -> T) throws -> T {
        try begin(mode)
        let result: T
        do {
            result = try body()
        } catch {
            rollBack()
            throw error
        }
        try commit()
        return result
    }

    /// Rehearses a change: runs `body` in a transaction that is rolled back in any case.
    package func rehearsal<T>(_ body: () throws -> T) throws -> T {
        try begin(.readCommitted)
        defer { rollBack() }
        return try body()
    }

    /// Runs `body` in the open transaction, or, if there is none, in a read-only transaction of its own.
    package func snapshot<T>(_ body: () throws -> T) throws -> T {
        switch link.transactionState {
        case .inTransaction: try body()
        case .idle, .failed, .undefined: try transaction(.snapshotReadOnly, body)
        }
    }

    package var isInTransaction: Bool { link.transactionState == .inTransaction }

    private func begin(_ mode: TransactionMode) throws(PostgresError) {
        switch link.transactionState {
        case .idle: break
        case .inTransaction, .failed: preconditionFailure("a transaction inside of a transaction")
        case .undefined: throw PostgresError(.connectionLost, "the connection is lost")
        }
        do {
            switch mode {
            case .readCommitted: try script("begin isolation level read committed read write")
            case .snapshotReadOnly: try script("begin isolation level repeatable read read only")
            }
        } catch {
            // Even if a transaction began, it ended with the connection.
            throw error.with(outcomeIsUnknown: false)
        }
    }

    private func commit() throws(PostgresError) {
        let tag: String
        do {
            tag = try link.runScript("commit").commandTag
        } catch {
            let unknown = isLost || error.sqlState == "40003" || error.sqlState == "08007"
            if !isLost { rollBack() }
            throw error.with(outcomeIsUnknown: unknown)
        }
        // Postgres answers COMMIT of a failed transaction with ROLLBACK, and without an error.
        guard tag == "COMMIT" else {
            throw PostgresError(
                .serverError,
                "the transaction was rolled back, because an error in it was caught and not passed on",
                sqlState: "25P02"
            )
        }
    }

    /// Rolls back an open transaction. Afterwards the connection is idle, or abandoned.
    func rollBack() {
        guard !isLost, link.transactionState != .idle else { return }
        do {
            try script("rollback")
        } catch {
            link.abandon()
        }
    }

    /// Runs `body` within a savepoint: when it throws, only its own changes are undone.
    package func savepoint<T>(_ body: () throws -> T) throws -> T {
        try script("savepoint part")
        do {
            let result = try body()
            try script("release savepoint part")
            return result
        } catch {
            if !isLost { try script("rollback to savepoint part; release savepoint part") }
            throw error
        }
    }
}
