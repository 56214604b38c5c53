internal import Foundation

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
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forWritingAtPath: path)
        else {
            throw UsageError("cannot write '\(path)'", remedy: "give \(flag) the path of a file in a folder that exists")
        }
        return file
    }

    private static func write(_ lines: [String], to file: FileHandle) throws {
        try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }
}
