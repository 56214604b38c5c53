import Glibc

/// The unprivileged user that the servers run as when root starts them. PostgreSQL refuses to run as root, and Redis
/// has no reason to.
struct ServerAccount: Sendable {
    /// The user of Debian's package `postgresql-common`.
    private static let name = "postgres"

    let userID: uid_t
    let groupID: gid_t

    /// `nil` if this process is an ordinary user's. The servers then run as that user.
    static func forServers() throws(LocalStackError) -> ServerAccount? {
        guard geteuid() == 0 else { return nil }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        let result = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil else {
            throw LocalStackError(
                .accountMissing,
                "started by root, and there is no user '\(name)' to run the servers as: install the Debian package postgresql"
            )
        }
        return ServerAccount(userID: entry.pw_uid, groupID: entry.pw_gid)
    }

    /// Whether the account may enter the folder and each folder above it. A folder that does not exist yet counts, since it will
    /// be made so.
    func canReach(_ path: String) -> Bool {
        var folder = ""
        for part in path.split(separator: "/") {
            folder += "/\(part)"
            var status = stat()
            guard stat(folder, &status) == 0 else { return true }
            let execute: mode_t =
                if status.st_uid == userID { S_IXUSR } else if status.st_gid == groupID { S_IXGRP } else { S_IXOTH }
            guard status.st_mode & execute != 0 else { return false }
        }
        return true
    }
}
