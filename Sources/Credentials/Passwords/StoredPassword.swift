/// Every form of stored password that can be checked.
enum StoredPassword: Sendable, Hashable {
    /// The form that is written.
    case own(PasswordHash)
    /// Taken over from a Flask service.
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

    /// Costs what the hash itself says. `nil`: no memory for it.
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

/// What a password is worth against a stored hash.
public enum PasswordCheck: Sendable, Hashable {
    case wrong
    case right
    /// Right, and the stored hash is of another cost or kind than new ones are.
    /// - Parameter replacement: what to store instead.
    case outdated(replacement: String)
}
