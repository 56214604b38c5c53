import CLibPQ

extension LibPQConnection {
    /// Takes the notifications that have arrived, without waiting.
    func takeNotifications() -> [PostgresNotification] {
        var taken: [PostgresNotification] = []
        while let notification = PQnotifies(handle) {
            taken.append(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)
                )
            )
            PQfreemem(notification)
        }
        return taken
    }

    /// Reads the bytes that have arrived, without waiting. This finds an idle connection that the server has closed.
    func readArrived() throws(PostgresError) {
        guard !isLost else { throw notices.lastWords ?? PostgresError(.connectionLost, "the connection is lost") }
        while try wait(reading: true, writing: false, until: .now) == .ready {
            let isAlive = PQconsumeInput(handle) == 1
            // Parses what was read. No statement is under way, so the answer is always no.
            _ = PQisBusy(handle)
            guard isAlive, !isLost, notices.lastWords == nil else {
                abandon()
                throw notices.lastWords ?? PostgresError(.connectionLost, lastMessage)
            }
        }
    }
}
