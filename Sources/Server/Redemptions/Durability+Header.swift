import Domain

extension Durability {
    /// The durability that an answer promises if a client asks for `text`. It is never less than the server's own mode.
    /// - Parameter text: the value of the header `Durability`; `nil`: it is not there.
    func raised(by text: String?) throws(Problem) -> Durability {
        guard let text else { return self }
        guard let asked = Durability(rawValue: text) else { throw Problem(.durabilityInvalid) }
        return max(self, asked)
    }
}
