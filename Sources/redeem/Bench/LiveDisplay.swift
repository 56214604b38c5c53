internal import Foundation
internal import LoadGenerator
internal import Terminal

/// Shows a run on stderr while it goes on: on a terminal, a block that is drawn again and again; elsewhere, a line now and then.
struct LiveDisplay {
    /// Seconds between two lines.
    private static let lineInterval = 5.0
    private static let widthUnknown = 80

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var text: LiveText
    private var drawn = 0
    private var lastLine = 0.0

    init(settings: BenchSettings) { text = LiveText(settings: settings) }

    mutating func show(_ interval: LoadInterval) {
        text.add(interval)
        if isTerminal {
            let lines = text.block(width: LiveDisplay.width())
            // The cursor goes up to the first line that was drawn, and then each line is drawn again.
            let up = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
            let bytes = up + lines.map { "\r\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
            drawn = lines.count
            FileHandle.standardError.write(Data(bytes.utf8))
        } else if interval.end - lastLine >= LiveDisplay.lineInterval - interval.length / 2 {
            lastLine = interval.end
            Output.note(text.line)
        }
    }

    private static func width() -> Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return widthUnknown }
        return Int(size.ws_col)
    }
}
