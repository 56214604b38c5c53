internal import Foundation
internal import Glibc

/// The files that seeding fills, one line a user in each, in the same order. Nobody else may read them.
struct SeedFiles: Sendable {
    let tokens: String
    var refreshTokens: String?
    var logins: String?

    struct Open {
        fileprivate let tokens: FileHandle
        fileprivate let refreshTokens: FileHandle?
        fileprivate let logins: FileHandle?

        func write(tokens: [String], refreshTokens: [String], logins: [String]) throws {
            try SeedFiles.write(tokens, to: self.tokens)
            if let file = self.refreshTokens { try SeedFiles.write(refreshTokens, to: file) }
            if let file = self.logins { try SeedFiles.write(logins, to: file) }
        }

        func close() {
            for file in [tokens, refreshTokens, logins] { try? file?.close() }
        }
    }

    func open() throws -> Open {
        Open(
            tokens: try SeedFiles.open(tokens, "--tokens"),
            refreshTokens: try refreshTokens.map { try SeedFiles.open($0, "--refresh-tokens") },
            logins: try logins.map { try SeedFiles.open($0, "--logins") }
        )
    }

    private static func open(_ path: String, _ flag: String) throws -> FileHandle {
        var status = stat()
        // Somebody else's link would make root write into another file.
        let isOwnLink = lstat(path, &status) == 0 && [0, geteuid()].contains(status.st_uid)
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (isOwnLink ? 0 : O_NOFOLLOW)
        let file = Glibc.open(path, flags, 0o600)
        guard file >= 0 else {
            throw UsageError(
                "cannot write '\(path)': \(String(cString: strerror(errno)))",
                remedy: "give \(flag) the path of a file in a folder that exists"
            )
        }
        fstat(file, &status)
        if status.st_mode & S_IFMT == S_IFREG { fchmod(file, 0o600) }
        return FileHandle(fileDescriptor: file, closeOnDealloc: true)
    }

    private static func write(_ lines: [String], to file: FileHandle) throws {
        try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }
}
