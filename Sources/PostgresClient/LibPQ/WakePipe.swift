#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ends a `poll` from another thread: a pipe whose reading end is polled beside the socket.
///
/// It has nothing to do with libpq, but is in the folder of the only code that polls.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws(PostgresError) {
        var ends: [Int32] = [-1, -1]
        let result = pipe(&ends)
        guard result == 0 else { throw PostgresError(.connectionFailed, "no pipe: errno \(errno)") }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var byte: UInt8 = 1
        // A full pipe (EAGAIN) wakes just as well.
        _ = write(writeEnd, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &bytes, bytes.count) > 0 {}
    }
}
