public import Glibc

/// A folder that is held by its descriptor, so that all is done in this very folder, whatever is put in its place meanwhile. No
/// link in it is followed.
///
/// Root may write everywhere, so for root the way to the folder matters too. Somebody who owns a folder on the way could put a
/// link to another's files anywhere below, and root would give them away or overwrite them. So root uses a folder only if each
/// folder and link on the way belongs to root or to the servers, and nobody else may change it.
public final class TrustedFolder: Sendable {
    /// The path as it was given, made absolute.
    public let path: String
    let descriptor: Int32

    /// O_PATH (open(2)): one needs no right to read a folder to go through it. <fcntl.h> has it for _GNU_SOURCE only.
    private static let pathOnly: Int32 = 0x20_0000
    /// The most links that a path may have (`MAXSYMLINKS` of Linux).
    private static let linkLimit = 40

    /// Opens a folder. It is made if it is missing, and so are those above it.
    /// - Parameter mode: the mode of the folders that are made, whatever the umask.
    public init(making path: String, mode: mode_t = 0o755) throws(LocalStackError) {
        self.path = path
        descriptor = try TrustedFolder.walk(path, mode: mode)
    }

    deinit { close(descriptor) }

    var status: stat {
        var status = stat()
        fstat(descriptor, &status)
        return status
    }

    /// The file's text without the newline at the end; `nil` if there is no such file.
    /// - Parameter name: a file in the folder, or in folders below, such as `data/PG_VERSION`.
    public func read(_ name: String) throws(LocalStackError) -> String? {
        let file = try open(name, O_RDONLY)
        guard let file else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count >= 0 else { throw ServerFolder.unusable("\(path)/\(name)") }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file that only its owner can read, as a whole or not at all. A link of that name is replaced.
    /// - Parameter name: a file in the folder, or in folders below.
    public func write(_ text: String, to name: String) throws(LocalStackError) { try write(text, to: name, owner: nil) }

    func write(_ text: String, to name: String, owner: ServerAccount?) throws(LocalStackError) {
        let place = "\(path)/\(name)"
        let (folder, last) = try enclosing(name)
        guard let folder else { throw ServerFolder.unusable(place) }
        defer { close(folder) }
        let draft = last + ".new"
        unlinkat(folder, draft, 0)
        let file = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw ServerFolder.unusable(place) }
        defer { close(file) }
        let written = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        guard written == text.utf8.count else { throw ServerFolder.unusable(place) }
        if let owner, fchown(file, owner.userID, owner.groupID) != 0 { throw ServerFolder.unusable(place) }
        guard renameat(folder, draft, folder, last) == 0 else { throw ServerFolder.unusable(place) }
    }

    /// A file's descriptor; `nil` if there is no such file.
    func open(_ name: String, _ flags: Int32, mode: mode_t = 0o600) throws(LocalStackError) -> Int32? {
        let (folder, last) = try enclosing(name)
        guard let folder else { return nil }
        defer { close(folder) }
        let file = openat(folder, last, flags | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file < 0 else { return file }
        guard errno == ENOENT else { throw ServerFolder.unusable("\(path)/\(name)") }
        return nil
    }

    /// The folder that a file is in; `nil` if it does not exist.
    private func enclosing(_ name: String) throws(LocalStackError) -> (folder: Int32?, last: String) {
        let parts = name.split(separator: "/").map(String.init)
        var folder = dup(descriptor)
        for part in parts.dropLast() {
            let next = openat(folder, part, TrustedFolder.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let reason = errno
            close(folder)
            guard next >= 0 else {
                if reason == ENOENT { return (nil, "") }
                throw LocalStackError(.folderUnusable, "cannot use \(path)/\(part): it is no folder of ours")
            }
            folder = next
        }
        return (folder, parts.last ?? "")
    }

    // MARK: The way there

    private static func walk(_ path: String, mode: mode_t) throws(LocalStackError) -> Int32 {
        var parts = Array(path.split(separator: "/").map(String.init).reversed())
        var place = Glibc.open("/", pathOnly | O_DIRECTORY | O_CLOEXEC)
        defer { close(place) }
        var way = ""
        var links = 0
        while let part = parts.popLast() {
            way += "/\(part)"
            let isNew = mkdirat(place, part, mode) == 0
            let next = openat(place, part, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else {
                throw LocalStackError(.folderUnusable, "cannot make the folder \(way): \(String(cString: strerror(errno)))")
            }
            var status = stat()
            fstat(next, &status)
            do { try check(status, way) } catch {
                close(next)
                throw error
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                close(place)
                place = next
                if isNew { try setMode(place, mode, way) }
            case S_IFLNK:
                let target = link(next)
                close(next)
                links += 1
                guard links <= linkLimit, !target.isEmpty else {
                    throw LocalStackError(.folderUnusable, "cannot use \(way): too many links")
                }
                parts += target.split(separator: "/").map(String.init).reversed()
                if target.hasPrefix("/") {
                    close(place)
                    place = Glibc.open("/", pathOnly | O_DIRECTORY | O_CLOEXEC)
                }
            default:
                close(next)
                throw LocalStackError(.folderUnusable, "cannot use \(way): it is not a folder")
            }
        }
        let folder = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw ServerFolder.unusable(path) }
        return folder
    }

    private static func link(_ descriptor: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(descriptor, "", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func setMode(_ place: Int32, _ mode: mode_t, _ way: String) throws(LocalStackError) {
        // The mode cannot be changed by a descriptor of O_PATH.
        let folder = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw ServerFolder.unusable(way) }
        defer { close(folder) }
        guard fchmod(folder, mode) == 0 else { throw ServerFolder.unusable(way) }
    }

    /// Throws, for root, unless nobody else can put anything in the folder or in its place.
    private static func check(_ status: stat, _ way: String) throws(LocalStackError) {
        guard geteuid() == 0 else { return }
        let account = try? ServerAccount.forServers()
        guard status.st_uid == 0 || status.st_uid == account?.userID else {
            throw LocalStackError(
                .folderUnusable,
                "\(way) belongs to user \(status.st_uid), who could make root write anywhere: run this as that user, or choose a "
                    + "folder that root made in root's"
            )
        }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_mode & S_ISVTX == 0 else { return }
        let isOpen = status.st_mode & S_IWOTH != 0
        let isOpenToGroup = status.st_mode & S_IWGRP != 0 && status.st_gid != 0 && status.st_gid != account?.groupID
        guard !isOpen, !isOpenToGroup else {
            throw LocalStackError(
                .folderUnusable,
                "others may change \(way), and could make root write anywhere: take that right away (chmod go-w), or choose another "
                    + "folder"
            )
        }
    }
}
