internal import Foundation

/// The limit on open files of this process and of those that it starts: each connection is one.
enum FileLimit {
    /// Files beside the connections.
    private static let others = 256

    static func raise(to connections: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let needed = rlim_t(connections + others)
        guard limit.rlim_cur < needed else { return }
        guard limit.rlim_max >= needed else {
            throw UsageError(
                "--connections \(connections) needs \(needed) open files, and this user may have \(limit.rlim_max)",
                remedy: "give fewer, or raise the limit: ulimit -Hn \(needed)"
            )
        }
        limit.rlim_cur = needed
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw Refusal("the limit on open files cannot be raised to \(needed): \(String(cString: strerror(errno)))")
        }
    }
}
