import Glibc
import Synchronization

/// The output of a server. A log file has all of it, and the last lines are kept for the text of an error.
final class ServerOutput: Sendable {
    private let descriptor: Int32
    private let lines = Mutex<[String]>([])

    /// If the log file cannot be written the server starts all the same, since the last lines are kept anyway.
    init(in folder: ServerFolder) {
        descriptor = (try? folder.open("log", O_WRONLY | O_CREAT | O_APPEND)) ?? -1
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_size > StackLimits.logBytes { ftruncate(descriptor, 0) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    var lastLines: [String] { lines.withLock { $0 } }

    func append(_ line: String) {
        lines.withLock { lines in
            if lines.count == StackLimits.outputLines { lines.removeFirst() }
            lines.append(line)
        }
        let bytes = Array((line + "\n").utf8)
        if descriptor >= 0 { _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
    }
}
