package import Foundation
internal import Glibc
internal import SystemPackage

/// Opens a file at a path from the command line. The path may lead to anything that the caller chose: a device, a pipe, a link of their
/// own. A link of another user is refused: it would make root write into a file that nobody named.
package enum OutputFile {
    /// - Parameters:
    ///   - flag: the flag that gave the path.
    ///   - isSecret: if true, nobody else may read the file, even if it existed before.
    package static func open(_ path: String, _ flag: String, isSecret: Bool = false) throws -> FileHandle {
        let status = try? Stat(path, followTargetSymlink: false)
        let owner = status?.userID.rawValue ?? geteuid()
        let isLink = status?.type == .symbolicLink
        guard !isLink || [0, geteuid()].contains(owner) else {
            throw UsageError(
                "cannot write '\(path)': it is a link that belongs to user \(owner)",
                remedy: "take it away, or give \(flag) another path"
            )
        }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (isLink ? 0 : O_NOFOLLOW)
        let file = Glibc.open(path, flags, isSecret ? 0o600 : 0o666)
        guard file >= 0 else {
            throw UsageError(
                "cannot write '\(path)': \(String(cString: strerror(errno)))",
                remedy: "give \(flag) the path of a file in a folder that exists"
            )
        }
        if isSecret, (try? Stat(FileDescriptor(rawValue: file)))?.type == .regular { fchmod(file, 0o600) }
        return FileHandle(fileDescriptor: file, closeOnDealloc: true)
    }

    package static func write(_ data: Data, to path: String, _ flag: String) throws {
        let file = try open(path, flag)
        do {
            try file.write(contentsOf: data)
            try file.close()
        } catch {
            throw UsageError("cannot write '\(path)': \(error.localizedDescription)", remedy: "give \(flag) another path")
        }
    }
}
