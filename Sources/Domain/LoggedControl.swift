/// A row of the control log as it is read back.
public struct LoggedControl: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case change(ControlChange)
        /// This program cannot have written the row; the text says why.
        case unreadable(String)
    }

    /// From 1, without a gap.
    public let sequence: Int
    /// The moment at which Postgres wrote the entry, in microseconds. A dump that is put back makes two histories of one log. Entries
    /// of both may have the same number, but never the same moment.
    public let mark: Int
    public let content: Content

    public init(sequence: Int, mark: Int, content: Content) {
        self.sequence = sequence
        self.mark = mark
        self.content = content
    }

    /// `nil`: it cannot be read.
    public var entry: ControlEntry? {
        switch content {
        case .change(let change): ControlEntry(sequence: sequence, change: change)
        case .unreadable: nil
        }
    }
}
