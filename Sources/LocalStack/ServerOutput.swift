import Glibc
import Synchronization

/// What a server writes: all of it in a log file, the last lines at hand for an error's text.
final class ServerOutput: Sendable {
    private let descriptor: Int32
    private let lines = Mutex<[String]>([])

    /// A log file that cannot be written is no reason not to start: the last lines are still there.
    init(file: String) {
        var status = stat()
        let tooLong = stat(file, &status) == 0 && status.st_size > StackLimits.logBytes
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        descriptor = open(file, tooLong ? flags | O_TRUNC : flags, 0o600)
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
