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
        guard !isLost else { throw PostgresError(.connectionLost, "the connection is lost") }
        guard PQconsumeInput(handle) == 1, !isLost else {
            // The server may have said why before it hung up.
            guard let words = PQgetResult(handle).map(LibPQResult.init(taking:)), words.isError else {
                throw PostgresError(.connectionLost, lastMessage)
            }
            throw words.error(.connectionLost, outcomeIsUnknown: false)
        }
    }
}
