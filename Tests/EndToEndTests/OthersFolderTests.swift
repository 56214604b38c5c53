import Foundation
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
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "precious")
        }
    }
}
