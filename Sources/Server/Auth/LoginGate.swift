import Synchronization

/// Limits how many logins of one address this process checks at once.
final class LoginGate: Sendable {
    private let limit: Int
    private let inside = Mutex<[String: Int]>([:])

    init(limit: Int) { self.limit = limit }

    /// - Returns: `false` if the limit is reached. After `true` the caller must call `leave`.
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
