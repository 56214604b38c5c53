public import Domain
public import PostgresClient

/// Credit that an operator granted.
public struct LoggedGrant: Hashable, Sendable {
    public let actor: String
    public let user: UserID
    public let amount: Int
}

// Whole tables, for a check of a small installation.
extension PostgresConnection {
    /// Who appended each entry of the control log, in the order of the entries.
    public func controlActors() throws -> [String] {
        try query("select actor from control_log order by seq").map { row throws(PostgresError) in try row.decode(0) }
    }

    /// All grants with an entry in the control log. The credit that a user was created with has none.
    public func loggedGrants() throws -> [LoggedGrant] {
        let sql = "select actor, user_id, amount from credit_grants where control_seq is not null"
        return try query(sql).map { row throws(PostgresError) in
            LoggedGrant(actor: try row.decode(0), user: try row.decode(1), amount: try row.decode(2))
        }
    }
}
