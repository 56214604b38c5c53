/// Carries a connection from one thread to the next.
///
/// It is `@unchecked Sendable` because a connection has one user at a time: the one who takes it out uses it alone, until it is put into a
/// new carrier. The lock of the pool, or the single thread of a dedicated connection, puts the two in order.
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
        // Nobody listens on a connection of a pool, so notifications would pile up.
        _ = connection.link.takeNotifications()
        return connection
    }
}
