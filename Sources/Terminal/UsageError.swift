/// A mistake in how the program was called or configured: what is wrong, and what to do. Exit code 64.
package struct UsageError: Error, CustomStringConvertible {
    package let problem: String
    package let remedy: String

    package init(_ problem: String, remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }

    package var description: String { "\(problem)\n  \(remedy)" }
}
