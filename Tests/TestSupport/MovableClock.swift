import FoundationEssentials
import Glibc

/// A clock that is moved under running processes, by libfaketime (Debian package `faketime`). Time that only passes
/// (CLOCK_MONOTONIC) is left alone, as where an operator or NTP sets the clock.
public struct MovableClock: Sendable {
    public struct Missing: Error, CustomStringConvertible {
        public var description: String {
            "libfaketime is not installed: install the Debian package faketime (`make setup` does it)"
        }
    }

    private let file: String
    /// Of the system's libraries.
    private let folder: String
    private var library: String { "\(folder)/faketime/libfaketimeMT.so.1" }

    /// A clock that is right, until it is moved.
    public init(in folder: String) throws {
        let libraries = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib").map { "/usr/lib/\($0)" }
        guard
            let found = libraries.first(where: { FileManager.default.fileExists(atPath: "\($0)/faketime/libfaketimeMT.so.1") })
        else { throw Missing() }
        self.folder = found
        file = "\(folder)/clock"
        try move(bySeconds: 0)
    }

    /// From the right time.
    public func move(bySeconds seconds: Int) throws {
        let text = seconds < 0 ? "\(seconds)\n" : "+\(seconds)\n"
        // Whole, at every moment, and for servers that run as another user.
        try Data(text.utf8).write(to: URL(filePath: "\(file).new"))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(file).new")
        guard rename("\(file).new", file) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// A shell's command, to be given a program and its arguments, that becomes it. libfaketime adds to the environment of
    /// the first process that it is in, and a Swift program does not find its arguments behind an environment that was
    /// moved.
    public static let shellCommand = #"exec "$0" "$@""#

    /// Variables of a process whose clock it is.
    public var environment: [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1",
            // The second is the name until libfaketime 0.9.8.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        ]
    }

    /// The same for redis-server. jemalloc asks for the time when it starts, and libfaketime for memory: they would wait for each
    /// other, unless memory is another library's.
    public var redisEnvironment: [String: String] {
        environment.merging(["LD_PRELOAD": "\(folder)/libc_malloc_debug.so.0:\(library)"]) { $1 }
    }
}
