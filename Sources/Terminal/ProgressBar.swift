internal import Foundation

/// Shows on stderr how far long work has come: a bar on a terminal, nothing elsewhere.
package struct ProgressBar {
    private let label: String
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private var lastDrawn = ContinuousClock.now - .seconds(1)

    package init(_ label: String, total: Int) {
        self.label = label
        self.total = max(total, 1)
    }

    /// - Parameter share: of the work that is done, 0 to 1; what is more counts as 1.
    package static func bar(_ share: Double) -> String {
        let width = 30
        let filled = Int(Double(width) * min(max(share, 0), 1))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    package mutating func update(_ done: Int) {
        guard isTerminal else { return }
        guard done >= total || ContinuousClock.now - lastDrawn > .milliseconds(100) else { return }
        lastDrawn = .now
        let bar = ProgressBar.bar(Double(done) / Double(total))
        let seconds = Double((ContinuousClock.now - started).components.seconds) + 0.001
        let rate = Int(Double(done) / seconds)
        let line = "\r\(label) \(bar) \(done * 100 / total)% \(done)/\(total)" + (seconds > 1 ? " \(rate)/s" : "") + "\u{1B}[K"
        FileHandle.standardError.write(Data(line.utf8))
    }

    package func finish() {
        guard isTerminal else { return }
        FileHandle.standardError.write(Data("\n".utf8))
    }
}
