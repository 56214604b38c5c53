import Foundation
import Terminal
import TestSupport
import Testing

/// Root that is sent into a folder of somebody else.
@Suite(.enabled(if: geteuid() == 0, "only root may give files away")) struct OthersFolderTests {
    @Test func devLeavesItAlone() async throws {
        try await withTemporaryFolder { folder async throws in
            let (evil, target) = ("\(folder)/evil", "\(folder)/target")
            #expect(mkdir(evil, 0o755) == 0)
            try "precious".write(toFile: target, atomically: true, encoding: .utf8)
            for name in ["env", "env.new", "stack"] { #expect(symlink(target, "\(evil)/\(name)") == 0) }
            #expect(chown(evil, 12345, 12345) == 0)
            let result = await redeem("dev", "--dir", evil, "--port", "0")
            #expect(result.status == 64)
            #expect(result.output.contains("\(evil) belongs to user 12345"), "\(result.output)")
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
            var status = stat()
            #expect(lstat(target, &status) == 0 && status.st_uid == 0)
        }
    }

    /// A path that was given is its giver's choice, a device or a link of their own too; somebody else's link is not.
    @Test func whatIsNamedIsWrittenAndNothingElse() async throws {
        try await withTemporaryFolder { folder async throws in
            let (target, link, logs) = ("\(folder)/target", "\(folder)/link", "\(folder)/logs")
            try "precious".write(toFile: target, atomically: true, encoding: .utf8)
            #expect(symlink(target, link) == 0)
            try OutputFile.write(Data("mine".utf8), to: link, "--json")
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "mine")
            var status = stat()
            #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK, "a link as /dev/stdout stays one")
            #expect(lchown(link, 12345, 12345) == 0)
            for isSecret in [false, true] {
                let error = #expect(throws: UsageError.self) {
                    try OutputFile.open(link, "--json", isSecret: isSecret)
                }
                #expect(error?.problem == "cannot write '\(link)': it is a link that belongs to user 12345")
            }
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "mine")
            #expect(mkdir(logs, 0o755) == 0 && chown(logs, 12345, 12345) == 0)
            let result = await torture("--once", "--faults", "sync-kill", "--logs", logs)
            #expect(result.status == 64, "\(result.output)")
            #expect(result.output.contains("\(logs) belongs to user 12345"), "\(result.output)")
        }
    }

    @Test func seedDoesNotWriteThroughALinkOfAnother() async throws {
        try await Product.with { product in
            let target = "\(product.folder)/target"
            try "precious".write(toFile: target, atomically: true, encoding: .utf8)
            #expect(symlink(target, "\(product.folder)/tokens") == 0)
            #expect(lchown("\(product.folder)/tokens", 12345, 12345) == 0)
            let result = await redeem(
                "seed",
                "--users",
                "1",
                "--credit",
                "1",
                "--coupon",
                "sale",
                "--stock",
                "1",
                "--price",
                "1",
                "--code",
                Product.code,
                "--tokens",
                "\(product.folder)/tokens",
                environment: product.environment
            )
            #expect(result.status == 64, "\(result.output)")
            #expect(result.output.contains("cannot write '\(product.folder)/tokens'"), "\(result.output)")
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
        }
    }
}
