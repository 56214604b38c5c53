internal import Foundation
internal import Terminal

/// The files that seeding fills, with one line for each user, in the same order. Nobody but their owner may read them.
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
            tokens: try OutputFile.open(tokens, "--tokens", isSecret: true),
            refreshTokens: try refreshTokens.map { try OutputFile.open($0, "--refresh-tokens", isSecret: true) },
            logins: try logins.map { try OutputFile.open($0, "--logins", isSecret: true) }
        )
    }

    private static func write(_ lines: [String], to file: FileHandle) throws {
        try file.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }
}
