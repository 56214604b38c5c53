/// Every form of stored password that can be checked.
enum StoredPassword: Sendable, Hashable {
    /// The form of new hashes.
    case own(PasswordHash)
    /// The form of hashes that were imported from a Flask service.
    case werkzeug(WerkzeugHash)

    init?(_ text: String) {
        if let hash = PasswordHash(text) {
            self = .own(hash)
        } else if let hash = WerkzeugHash(text) {
            self = .werkzeug(hash)
        } else {
            return nil
        }
    }

    /// Compares a password with the hash, in the time and memory of the hash's own cost. `nil`: memory is short.
    func matches(_ password: String) -> Bool? {
        switch self {
        case .own(let hash): hash.matches(password)
        case .werkzeug(let hash): hash.matches(password)
        }
    }

    func isOutdated(by cost: ScryptCost) -> Bool {
        switch self {
        case .own(let hash): hash.cost != cost
        case .werkzeug: true
        }
    }
}

/// The result of checking a password against a stored hash.
public enum PasswordCheck: Sendable, Hashable {
    case wrong
    case right
    /// Right, and the stored hash is of another cost or kind than new ones are.
    /// - Parameter replacement: the hash to store instead.
    case outdated(replacement: String)
}
