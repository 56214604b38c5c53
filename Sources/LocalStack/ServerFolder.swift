import FoundationEssentials
import Glibc

/// The private folder of one server: its data, its password, its port. No second process runs a server on it from `lock`
/// until `unlock`, or until this value is gone.
final class ServerFolder: Sendable {
    let path: String
    /// Whom the folder belongs to; `nil`: who runs this process.
    let account: ServerAccount?
    private let folder: TrustedFolder
    /// Held open for its lock.
    private let lockFile: Int32

    /// Makes the folder where it is missing, and locks it.
    init(path: String, account: ServerAccount?) throws(LocalStackError) {
        self.path = path
        self.account = account
        folder = try TrustedFolder(making: path)
        // Data of someone else is for them; what root has made can be given away.
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

    /// To be called once the server has stopped: the next one need not wait for the last reference to this value.
    func unlock() { flock(lockFile, LOCK_UN) }

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
    func read(_ name: String) throws(LocalStackError) -> String? { try folder.read(name) }

    /// Writes a file that only the server's user can read, as a whole or not at all.
    func write(_ text: String, to name: String) throws(LocalStackError) { try folder.write(text, to: name, owner: account) }

    /// A file's descriptor; `nil` where there is no such file.
    func open(_ name: String, _ flags: Int32) throws(LocalStackError) -> Int32? { try folder.open(name, flags) }

    /// Makes a folder the server's own.
    private func give(_ folder: Int32, mode: mode_t) throws(LocalStackError) {
        if let account, fchown(folder, account.userID, account.groupID) != 0 { throw ServerFolder.unusable(path) }
        guard fchmod(folder, mode) == 0 else { throw ServerFolder.unusable(path) }
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
        let isNew = mkdir(folder, 0o700) == 0
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        if isNew, descriptor >= 0 { try give(descriptor, mode: 0o700) }
        // Anyone can make a folder in /tmp first.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == account?.userID ?? getuid(), status.st_mode & 0o077 == 0 else {
            throw LocalStackError(.folderUnusable, "\(folder) belongs to someone else: remove it")
        }
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
