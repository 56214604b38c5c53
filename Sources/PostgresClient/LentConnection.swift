/// Carries a connection from one thread to the next.
///
/// Unchecked: anyone who takes a connection out is its only user until it is put into a new carrier; the lock of the pool, or
/// the single thread of the session, orders the two.
struct LentConnection: @unchecked Sendable {
    private let connection: PostgresConnection

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    func take() -> PostgresConnection { connection }

    /// `nil` where the server has closed the connection since its last use.
    func takeIfAlive() -> PostgresConnection? {
        do {
            try connection.link.readArrived()
        } catch {
            return nil
        }
        // Nobody of a pool listens; notifications would pile up.
        _ = connection.link.takeNotifications()
        return connection
    }
}
