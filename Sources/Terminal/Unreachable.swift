/// A server that the command needs does not answer. Exit code 69.
package struct Unreachable: Error, CustomStringConvertible {
    package let problem: String
    package let remedy: String

    package init(_ problem: String, remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }

    package var description: String { "\(problem)\n  \(remedy)" }
}
