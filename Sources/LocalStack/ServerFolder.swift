import FoundationEssentials
import Glibc

/// The private folder of one server: its data, its password, its port. No second process runs a server on it from `lock`
/// until `unlock`, or until this value is gone.
final class ServerFolder: Sendable {
    let path: String
    /// Whom the folder belongs to; `nil`: who runs this process.
    let account: ServerAccount?
    /// Held open for its lock.
    private let lockFile: Int32

    /// Makes the folder where it is missing, and locks it.
    init(path: String, account: ServerAccount?) throws(LocalStackError) {
        self.path = path
        self.account = account
        try ServerFolder.make(path)
        // Data of someone else is for them; what root has made can be given away.
        var status = stat()
        guard stat(path, &status) == 0 else { throw ServerFolder.unusable(path) }
        guard status.st_uid == geteuid() || status.st_uid == account?.userID else {
            throw LocalStackError(
                .folderUnusable,
                "\(path) belongs to user \(status.st_uid): run this as that user, or choose another folder"
            )
        }
        lockFile = open("\(path)/owner.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lockFile >= 0 else { throw ServerFolder.unusable("\(path)/owner.lock") }
        try lock()
        try give(path, mode: 0o700)
    }

    deinit { close(lockFile) }

    /// Nothing happens where it is locked by this value already.
    func lock() throws(LocalStackError) {
        let lockPath = "\(path)/owner.lock"
        guard flock(lockFile, LOCK_EX | LOCK_NB) == 0 else {
            let owner = (try? String(contentsOfFile: lockPath, encoding: .utf8)) ?? ""
            throw LocalStackError(
                .folderInUse,
                "\(path) is in use by process \(owner.isEmpty ? "unknown" : owner): stop that one, or choose another folder"
            )
        }
        let own = "\(getpid())"
        guard ftruncate(lockFile, 0) == 0, pwrite(lockFile, own, own.utf8.count, 0) == own.utf8.count else {
            throw ServerFolder.unusable(lockPath)
        }
    }

    /// For who has stopped its server: whoever is next need not wait for the last reference to this value.
    func unlock() { flock(lockFile, LOCK_UN) }

    /// With the folders above it, which others may enter, whatever the umask.
    private static func make(_ path: String) throws(LocalStackError) {
        var folder = ""
        for part in path.split(separator: "/") {
            folder += "/\(part)"
            if mkdir(folder, 0o755) == 0 {
                guard chmod(folder, 0o755) == 0 else { throw unusable(folder) }
            } else if errno != EEXIST {
                throw LocalStackError(.folderUnusable, "cannot make the folder \(folder): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Where the data of `folder` is: the folder itself, or, where the servers' account may not enter it (a clone in
    /// /root), a folder of the same name under /var/lib/redeem, the same at each start.
    static func reachable(_ folder: String, by account: ServerAccount?) -> String {
        let path = standardized(folder)
        guard let account, !account.canReach(path) else { return path }
        let name = path.dropFirst().map { $0 == "/" ? "%2F" : $0 == "%" ? "%25" : String($0) }.joined()
        return "/var/lib/redeem/\(name)"
    }

    /// The absolute path.
    static func standardized(_ folder: String) -> String { URL(filePath: folder).standardizedFileURL.path }

    /// The file's text without the newline at the end; `nil` where there is no such file.
    func read(_ name: String) throws(LocalStackError) -> String? {
        let file = "\(path)/\(name)"
        guard access(file, F_OK) == 0 else { return nil }
        do {
            var text = try String(contentsOfFile: file, encoding: .utf8)
            if text.hasSuffix("\n") { text.removeLast() }
            return text
        } catch {
            throw LocalStackError(.folderUnusable, "cannot read \(file): \(error)")
        }
    }

    /// Writes a file that only the server's user can read, as a whole or not at all.
    func write(_ text: String, to name: String) throws(LocalStackError) {
        let (file, draft) = ("\(path)/\(name)", "\(path)/\(name).new")
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ServerFolder.unusable(draft) }
        defer { close(descriptor) }
        let written = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == text.utf8.count else { throw ServerFolder.unusable(draft) }
        // By descriptor: the servers' user could put a link in the draft's place.
        if let account, fchown(descriptor, account.userID, account.groupID) != 0 { throw ServerFolder.unusable(draft) }
        guard rename(draft, file) == 0 else { throw ServerFolder.unusable(file) }
    }

    /// Makes a folder the server's own.
    private func give(_ path: String, mode: mode_t) throws(LocalStackError) {
        if let account, chown(path, account.userID, account.groupID) != 0 { throw ServerFolder.unusable(path) }
        guard chmod(path, mode) == 0 else { throw ServerFolder.unusable(path) }
    }

    /// The command that runs the given one without root's rights, where root runs this process.
    ///
    /// Not by the options of swift-subprocess for it: it calls glibc's setgroups after a bare `clone`, where glibc waits for
    /// threads that the child has not got. One start in a hundred or so hung (swift-subprocess 1.0.2).
    func commandAsOwner(_ command: [String]) -> [String] {
        guard let account else { return command }
        return ["setpriv", "--reuid", "\(account.userID)", "--regid", "\(account.groupID)", "--clear-groups", "--"] + command
    }

    /// The server's password, made on first use: 32 hexadecimal digits, so it needs no escape in a URL or a file.
    func password() throws(LocalStackError) -> String {
        if let password = try read("password"), !password.isEmpty { return password }
        let digits = Array("0123456789abcdef")
        var source = SystemRandomNumberGenerator()
        let password = String((0..<32).map { _ in digits.randomElement(using: &source)! })
        try write(password + "\n", to: "password")
        return password
    }

    /// The port of the last run where it is free, so that an address stays good over a restart; else another.
    func port() throws(LocalStackError) -> Int {
        if let port = try read("port").flatMap({ Int($0) }), (1...65535).contains(port), LoopbackPort.isFree(port) { return port }
        return try LoopbackPort.free()
    }

    /// A folder for a socket of the given name: this one, or a folder in /tmp where the path would be too long.
    func socketFolder(for name: String) throws(LocalStackError) -> String {
        if path.utf8.count + 1 + name.utf8.count <= StackLimits.socketPathBytes { return path }
        let folder = temporarySocketFolder
        if mkdir(folder, 0o700) == 0 { try give(folder, mode: 0o700) }
        // Anyone can make a folder in /tmp first.
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == account?.userID ?? getuid(),
            status.st_mode & 0o077 == 0
        else { throw LocalStackError(.folderUnusable, "\(folder) belongs to someone else: remove it") }
        return folder
    }

    /// Removes the folder that `socketFolder` has made in /tmp, if it has.
    func removeSocketFolder() { rmdir(temporarySocketFolder) }

    /// FNV-1a: a short name that is the same at each start.
    private var temporarySocketFolder: String {
        let digest = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "/tmp/redeem-\(getuid())-\(String(digest, radix: 36))"
    }

    static func unusable(_ path: String) -> LocalStackError {
        LocalStackError(.folderUnusable, "cannot use \(path): \(String(cString: strerror(errno)))")
    }
}
