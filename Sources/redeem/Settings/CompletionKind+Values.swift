internal import ArgumentParser
internal import Domain
internal import Logging

/// The words that a shell completes where an option takes one of a few.
extension CompletionKind {
    static var logLevels: CompletionKind { .list(Logger.Level.allCases.map(\.rawValue)) }
    static var durabilities: CompletionKind { .list(Durability.allCases.map(\.rawValue)) }
    static var roles: CompletionKind { .list(Role.allCases.map(\.rawValue)) }
}
