import CLibPQ

extension LibPQConnection {
    /// Notifications that have arrived. Does not wait.
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

    /// Reads what the kernel has, without waiting. An idle connection that the server closed shows itself here.
    func readArrived() throws(PostgresError) {
        guard !isLost else { throw notices.lastWords ?? PostgresError(.connectionLost, "the connection is lost") }
        while try wait(reading: true, writing: false, until: .now) == .ready {
            let isAlive = PQconsumeInput(handle) == 1
            // Parses what has been read; nothing is under way, so it is never busy.
            _ = PQisBusy(handle)
            guard isAlive, !isLost, notices.lastWords == nil else {
                abandon()
                throw notices.lastWords ?? PostgresError(.connectionLost, lastMessage)
            }
        }
    }
}
