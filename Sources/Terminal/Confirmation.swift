internal import Foundation

/// Asks before something is changed that cannot be changed back.
package struct Confirmation {
    /// True if `--yes` was given.
    private let isGiven: Bool

    /// - Parameter what: the command, for the error if there is neither a terminal to ask on nor `--yes`.
    package init(yes: Bool, _ what: String) throws {
        guard yes || isatty(STDIN_FILENO) == 1 else {
            throw UsageError("\(what) asks first, and standard input is no terminal", remedy: "give --yes")
        }
        isGiven = yes
    }

    /// Throws a `Refusal` where the answer is not yes.
    package func ask(_ question: String) throws {
        guard !isGiven else { return }
        FileHandle.standardError.write(Data("\(question) [y/N] ".utf8))
        guard ["y", "yes"].contains(readLine()?.lowercased()) else { throw Refusal("nothing was changed") }
    }

    /// True if no question is asked.
    package var needsNoAnswer: Bool { isGiven }
}
