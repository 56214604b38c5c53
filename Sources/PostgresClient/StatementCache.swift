/// The prepared statements of one connection. A full cache drops the least recently used one.
struct StatementCache {
    /// The server reads a parameter's bytes as the type it was prepared with, so the types belong to the key.
    struct Key: Hashable {
        let sql: String
        let types: [PostgresType]
    }

    private struct Statement {
        let name: String
        var lastUse: Int
    }

    private let capacity: Int
    private var statements: [Key: Statement] = [:]
    private var uses = 0
    private var names = 0

    init(capacity: Int) {
        precondition(capacity >= 1)
        self.capacity = capacity
    }

    var count: Int { statements.count }

    /// The name of the prepared statement, if there is one.
    mutating func name(of key: Key) -> String? {
        uses += 1
        statements[key]?.lastUse = uses
        return statements[key]?.name
    }

    mutating func remove(_ key: Key) {
        statements[key] = nil
    }

    mutating func newName() -> String {
        names += 1
        return "redeem_\(names)"
    }

    /// Keeps a statement that the server has prepared. Returns the name of the statement to deallocate, if the cache was full.
    mutating func insert(_ key: Key, name: String) -> String? {
        var evicted: String?
        if statements.count >= capacity, let oldest = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            statements[oldest.key] = nil
            evicted = oldest.value.name
        }
        uses += 1
        statements[key] = Statement(name: name, lastUse: uses)
        return evicted
    }
}
