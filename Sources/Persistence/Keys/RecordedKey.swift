public import Domain

/// The keys of the service.
public enum ServiceKeyName: String, CaseIterable, Sendable {
    /// The key that digests hidden codes.
    case code
    /// The key that signs access tokens.
    case token
}

/// The id of the key that all processes should have, as the database has it.
public struct RecordedKey: Hashable, Sendable {
    public let id: String
    public let setAt: Timestamp
    /// The one who recorded it.
    public let actor: String
}

/// A process was given another key than the others.
public struct WrongServiceKey: Error, Hashable, Sendable, CustomStringConvertible {
    public let name: ServiceKeyName
    /// The ids of the keys that the process was given.
    public let given: [String]
    public let recorded: String

    public init(_ name: ServiceKeyName, given: [String], recorded: String) {
        self.name = name
        self.given = given
        self.recorded = recorded
    }

    /// Ids tell nothing of a key.
    public var problem: String {
        let keys = "\(given.count == 1 ? "is" : "are") \(given.joined(separator: ", "))"
        return switch name {
        case .code:
            "REDEEM_CODE_KEY is not the key that hidden codes were digested with (its id \(keys), recorded is \(recorded))"
        case .token:
            "neither REDEEM_TOKEN_KEY nor REDEEM_TOKEN_OTHER_KEYS has the key that the servers share (ids \(keys), recorded is \(recorded))"
        }
    }

    public var remedy: String {
        switch name {
        case .code:
            """
            give this process the key that the others have. If that one has leaked or is lost: redeem key replace-code --help; \
            if the record is what is wrong: redeem key adopt-code --help
            """
        case .token:
            """
            give this process the keys that the others have. If the key is being replaced, record the new one \
            (redeem key set-token); see "Replacing the token key" in docs/OPERATIONS.md
            """
        }
    }

    public var description: String { "\(problem)\n  \(remedy)" }
}
