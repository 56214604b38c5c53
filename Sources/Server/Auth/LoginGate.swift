import Synchronization

/// Lets so many logins of one address be checked at once in this process.
final class LoginGate: Sendable {
    private let limit: Int
    private let inside = Mutex<[String: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// `false`: there are as many as there may be. Anyone who is let in must leave.
    func enter(_ address: String) -> Bool {
        inside.withLock { inside in
            guard inside[address, default: 0] < limit else { return false }
            inside[address, default: 0] += 1
            return true
        }
    }

    func leave(_ address: String) {
        inside.withLock { inside in
            guard let count = inside[address] else { preconditionFailure("nobody of this address is inside") }
            inside[address] = count > 1 ? count - 1 : nil
        }
    }
}
