/// The reason why a private server could not do what it was asked to. The message says what can be done about it.
public struct LocalStackError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String, Sendable {
            case programMissing = "program_missing"
            case accountMissing = "account_missing"
            case folderUnusable = "folder_unusable"
            case folderInUse = "folder_in_use"
            case commandFailed = "command_failed"
            case startFailed = "start_failed"
            case startTimedOut = "start_timed_out"
            case exited
        }

        let base: Base
        public var description: String { base.rawValue }

        /// A program is not installed.
        public static let programMissing = Code(base: .programMissing)
        /// Root runs this process, and there is no unprivileged user to run the servers as.
        public static let accountMissing = Code(base: .accountMissing)
        /// A data folder cannot be made, read or written, or holds data of another version.
        public static let folderUnusable = Code(base: .folderUnusable)
        /// Another process runs a server on the data folder.
        public static let folderInUse = Code(base: .folderInUse)
        /// A program that prepares the server (initdb, psql) failed.
        public static let commandFailed = Code(base: .commandFailed)
        /// The server ended before it was ready.
        public static let startFailed = Code(base: .startFailed)
        /// The server was not ready in time.
        public static let startTimedOut = Code(base: .startTimedOut)
        /// The server ended by itself.
        public static let exited = Code(base: .exited)
    }

    public let code: Code
    public let message: String
    /// The last lines that the program wrote.
    public let output: [String]

    init(_ code: Code, _ message: String, output: [String] = []) {
        self.code = code
        self.message = message
        self.output = output
    }

    public var description: String { ([message] + output.map { "  \($0)" }).joined(separator: "\n") }
}
