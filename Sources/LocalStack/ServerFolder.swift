import FoundationEssentials
import Glibc

/// The private folder of one server, with its data, its password and its port. From `lock` until `unlock`, or until this value is
/// gone, no second process runs a server on it.
final class ServerFolder: Sendable {
    let path: String
    /// The account that owns the folder; `nil`: the user who runs this process.
    let account: ServerAccount?
    private let folder: TrustedFolder
    /// The descriptor of the locked file. While it is open the lock holds.
    private let lockFile: Int32

    /// Makes the folder if it is missing, and locks it.
    init(path: String, account: ServerAccount?) throws(LocalStackError) {
        self.path = path
        self.account = account
        folder = try TrustedFolder(making: path)
        // A folder that another user owns stays that user's. A folder that root has made can be given away.
        let owner = folder.status.st_uid
        guard owner == geteuid() || owner == account?.userID else {
            throw LocalStackError(
                .folderUnusable,
                "\(path) belongs to user \(owner): run this as that user, or choose another folder"
            )
        }
        guard let lockFile = try folder.open("owner.lock", O_RDWR | O_CREAT) else {
            throw ServerFolder.unusable("\(path)/owner.lock")
        }
        self.lockFile = lockFile
        try lock()
        try give(folder.descriptor, mode: 0o700)
    }

    deinit { close(lockFile) }

    /// Does nothing if this value holds the lock already.
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

    /// Call this once the server has stopped, so that the next one need not wait for the last reference to this value.
    func unlock() { flock(lockFile, LOCK_UN) }

    /// The folder that has the data of `folder`: the folder itself, or, if the servers' account may not enter that (a clone in
    /// root's home), a folder of the same name under /var/lib/redeem, the same at each start.
    static func reachable(_ folder: String, by account: ServerAccount?) -> String {
        let path = standardized(folder)
        guard let account, !account.canReach(path) else { return path }
        let name = path.dropFirst().map { $0 == "/" ? "%2F" : $0 == "%" ? "%25" : String($0) }.joined()
        return "/var/lib/redeem/\(name)"
    }

    /// The absolute path.
    static func standardized(_ folder: String) -> String { URL(filePath: folder).standardizedFileURL.path }

    /// The file's text without the newline at the end; `nil` if there is no such file.
    func read(_ name: String) throws(LocalStackError) -> String? { try folder.read(name) }

    /// Writes a file that only the server's user can read, as a whole or not at all.
    func write(_ text: String, to name: String) throws(LocalStackError) { try folder.write(text, to: name, owner: account) }

    /// A file's descriptor; `nil` if there is no such file.
    func open(_ name: String, _ flags: Int32) throws(LocalStackError) -> Int32? { try folder.open(name, flags) }

    /// Gives a folder to the server's account.
    private func give(_ folder: Int32, mode: mode_t) throws(LocalStackError) {
        if let account, fchown(folder, account.userID, account.groupID) != 0 { throw ServerFolder.unusable(path) }
        guard fchmod(folder, mode) == 0 else { throw ServerFolder.unusable(path) }
    }

    /// A command that runs the given one without root's rights, if root runs this process.
    ///
    /// The options of swift-subprocess for this are not used: they call glibc's setgroups after a bare `clone`, where glibc waits
    /// for threads that the child does not have. One start in a hundred or so hung (swift-subprocess 1.0.2).
    func commandAsOwner(_ command: [String]) -> [String] {
        guard let account else { return command }
        return ["setpriv", "--reuid", "\(account.userID)", "--regid", "\(account.groupID)", "--clear-groups", "--"] + command
    }

    /// The server's password, made when it is first used. It is 32 hexadecimal digits, so it needs no escape in a URL or a file.
    func password() throws(LocalStackError) -> String {
        if let password = try read("password"), !password.isEmpty { return password }
        let digits = Array("0123456789abcdef")
        var source = SystemRandomNumberGenerator()
        let password = String((0..<32).map { _ in digits.randomElement(using: &source)! })
        try write(password + "\n", to: "password")
        return password
    }

    /// The port of the last run if it is free, so that an address stays good over a restart. Otherwise another port.
    func port() throws(LocalStackError) -> Int {
        if let port = try read("port").flatMap({ Int($0) }), (1...65535).contains(port), LoopbackPort.isFree(port) { return port }
        return try LoopbackPort.free()
    }

    /// The folder for a socket of the given name: this one, or a folder in /tmp if the path would be too long.
    func socketFolder(for name: String) throws(LocalStackError) -> String {
        if path.utf8.count + 1 + name.utf8.count <= StackLimits.socketPathBytes { return path }
        let folder = temporarySocketFolder
        let isNew = mkdir(folder, 0o700) == 0
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        if isNew, descriptor >= 0 { try give(descriptor, mode: 0o700) }
        // Anybody may have made a folder in /tmp before.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == account?.userID ?? getuid(), status.st_mode & 0o077 == 0 else {
            throw LocalStackError(.folderUnusable, "\(folder) belongs to someone else: remove it")
        }
        return folder
    }

    /// Removes the folder in /tmp that `socketFolder` may have made.
    func removeSocketFolder() { rmdir(temporarySocketFolder) }

    /// A folder whose name is short and the same at each start (FNV-1a).
    private var temporarySocketFolder: String {
        let digest = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "/tmp/redeem-\(getuid())-\(String(digest, radix: 36))"
    }

    static func unusable(_ path: String) -> LocalStackError {
        LocalStackError(.folderUnusable, "cannot use \(path): \(String(cString: strerror(errno)))")
    }
}
