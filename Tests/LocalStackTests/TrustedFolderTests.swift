import Foundation
import LocalStack
import Logging
import TestSupport
import Testing

/// What root does in a folder, it does there and nowhere else.
@Suite(.enabled(if: geteuid() == 0, "only root may give files away")) struct TrustedFolderTests {
    private static let other: uid_t = 12345

    @Test func aLinkInAnotherUsersFolderIsNotFollowed() async throws {
        try await withTemporaryFolder { folder async throws in
            let (evil, target) = ("\(folder)/evil", "\(folder)/target")
            for path in [evil, "\(evil)/stack", target] { #expect(mkdir(path, 0o755) == 0) }
            #expect(symlink(target, "\(evil)/stack/redis") == 0)
            for path in ["\(evil)/stack", evil] { #expect(chown(path, Self.other, Self.other) == 0) }
            for directory in ["\(evil)/stack", "\(evil)/new"] {
                let error = await #expect(throws: LocalStackError.self) {
                    let stack = LocalStackConfiguration(directory: directory)
                    try await LocalStack.withStack(stack, logger: testLogger(level: .critical)) { _ in }
                }
                #expect(error?.code == .folderUnusable)
                #expect(error?.message.contains("\(evil) belongs to user 12345") == true)
            }
            #expect(try owner(target) == 0)
            #expect(try mode(target) == 0o755)
            #expect(try FileManager.default.contentsOfDirectory(atPath: target).isEmpty)
        }
    }

    /// Anybody may make one in a folder like /tmp.
    @Test func aLinkOfAnotherUserIsNotFollowed() async throws {
        try await withTemporaryFolder { folder async throws in
            let (shared, target) = ("\(folder)/shared", "\(folder)/target")
            for path in [shared, target] { #expect(mkdir(path, 0o755) == 0) }
            #expect(chmod(shared, 0o1777) == 0)
            #expect(symlink(target, "\(shared)/link") == 0)
            _ = try TrustedFolder(making: "\(shared)/link/below")
            #expect(FileManager.default.fileExists(atPath: "\(target)/below"))
            #expect(lchown("\(shared)/link", Self.other, Self.other) == 0)
            #expect(throws: LocalStackError.self) { () throws in _ = try TrustedFolder(making: "\(shared)/link/other") }
            #expect(!FileManager.default.fileExists(atPath: "\(target)/other"))
        }
    }

    @Test func aFolderThatOthersMayChangeIsNotUsed() async throws {
        try await withTemporaryFolder { folder async throws in
            #expect(mkdir("\(folder)/open", 0o755) == 0 && chmod("\(folder)/open", 0o777) == 0)
            let error = #expect(throws: LocalStackError.self) { () throws in _ = try TrustedFolder(making: "\(folder)/open/stack")
            }
            #expect(error?.message.contains("others may change \(folder)/open") == true)
        }
    }

    @Test func aLinkIsReplacedAndNotWrittenThrough() async throws {
        try await withTemporaryFolder { folder async throws in
            let target = "\(folder)/target"
            try "precious".write(toFile: target, atomically: true, encoding: .utf8)
            for name in ["env", "env.new"] { #expect(symlink(target, "\(folder)/\(name)") == 0) }
            #expect(symlink(folder, "\(folder)/data") == 0)
            let trusted = try TrustedFolder(making: folder)
            #expect(throws: LocalStackError.self) { () throws in _ = try trusted.read("env") }
            #expect(throws: LocalStackError.self) { () throws in try trusted.write("x", to: "data/file") }
            try trusted.write("text\n", to: "env")
            #expect(try trusted.read("env") == "text")
            #expect(try trusted.read("none") == nil)
            #expect(try trusted.read("none/none") == nil)
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
            #expect(try mode("\(folder)/env") == 0o600)
        }
    }

    private func owner(_ path: String) throws -> uid_t { try status(path).st_uid }

    private func mode(_ path: String) throws -> mode_t { try status(path).st_mode & 0o7777 }

    private func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(lstat(path, &status) == 0)
        return status
    }
}
