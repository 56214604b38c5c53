import Foundation
import TestSupport
import Testing

/// Users from a CSV file.
@Suite(.serialized) struct UserImportTests {
    private func write(_ product: Product, _ text: String) throws -> String { try write(product, Array(text.utf8)) }

    private func write(_ product: Product, _ bytes: [UInt8]) throws -> String {
        let file = "\(product.folder)/users.csv"
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    private func refused(
        _ product: Product,
        _ file: String,
        status: Int32 = 64,
        _ words: [String],
        location: SourceLocation = #_sourceLocation
    ) async throws {
        let result = await redeem("user", "import", file, environment: product.environment)
        #expect(result.status == status, "\(result.output)", sourceLocation: location)
        for text in words + ["nothing was imported"] {
            #expect(result.output.contains(text), "\(text) in \(result.output)", sourceLocation: location)
        }
    }

    private func usernames(_ product: Product) async throws -> [String] {
        try await texts("select username from users order by 1", at: product.database)
    }

    @Test func allThatIsWrongIsToldAtOnce() async throws {
        try await Product.with { product in
            try await product.run("user", "create", "taken", "--password-stdin", input: "long-enough\n")
            let file = try write(
                product,
                """
                username,password,credit,name,role,password_hash
                ann,long-enough,1,,,
                no good,short,ten,,king,
                ann,long-enough,1,,,
                taken,long-enough,1,,,
                bob,long-enough,1
                cleo,long-enough,1,a\u{0}b,,
                dora,,1,,,
                eve,,1,,,plain
                fay,long-enough,1,,,\(WerkzeugHashes.scrypt.stored)
                gus,long-enough,1,"x,,
                """
            )
            try await refused(
                product,
                file,
                [
                    "what is wrong: 12", "\(file), line 3: the column 'username' has no username",
                    "line 3: the column 'credit' has no",
                    "line 3: the column 'role' is neither user nor admin", "line 3: the column 'password' has 5 characters",
                    "line 4: the username 'ann' is on line 2 too", "line 5: the username 'taken' is taken",
                    "line 6: 3 fields where the first line has 6",
                    "line 7: the line has the control character U+0000 at position 21", "line 8: there is no password",
                    "line 9: the password_hash is none that a login can check",
                    "line 10: there are a password and a password_hash", "line 11: a quote is not closed",
                ]
            )
            #expect(try await usernames(product) == ["taken"])
            let threads = await redeem("user", "import", file, "--threads", "0", environment: product.environment)
            #expect(threads.output.contains("--threads 0 is out of range"))
            let bytes = Array("username,password,credit\nann,long-enough,1\nb".utf8) + [0xFF] + Array("b,long-enough,1\n".utf8)
            try await refused(product, try write(product, bytes), ["line 3: the line is not UTF-8 (byte 2)"])
            let many = "username,password,credit\n" + (1...150).map { "user \($0),long-enough,1\n" }.joined()
            try await refused(product, try write(product, many), ["what is wrong: 150", "line 101: ", "and 50 more"])
            let utf16: [UInt8] = [0xFF, 0xFE] + "username".utf16.flatMap { [UInt8($0), 0] }
            try await refused(product, try write(product, utf16), ["line 1: the line is not UTF-8 (byte 1), but UTF-16"])
            for (text, words) in [
                ("", "line 1: is empty"), ("username,credit\n", "the columns 'password' and 'password_hash' are missing"),
                ("username,password\n", "the column 'credit' is missing"),
                ("user,credit\n", "the name of column 1 is none of username"),
                ("username,credit,password,credit\n", "the column 'credit' is named twice"),
                ("username,credit,password\n", "line 2: is missing"),
            ] { try await refused(product, try write(product, text), [words]) }
        }
    }

    /// To hash these takes minutes.
    @Test(.timeLimit(.minutes(1))) func nothingIsHashedBeforeAllIsFoundGood() async throws {
        try await Product.with { product in
            try await product.run("user", "create", "user999", "--password-stdin", input: "long-enough\n")
            let file = try write(product, "username,password,credit\n" + (0...999).map { "user\($0),long-enough,1\n" }.joined())
            let environment = product.environment.merging(["REDEEM_SCRYPT_LOG_N": "17"]) { $1 }
            let result = await redeem("user", "import", file, environment: environment)
            #expect(result.status == 1)
            #expect(result.output.contains("line 1001: the username 'user999' is taken"), "\(result.output)")
        }
    }

    @Test func hashesOfOtherServicesAreTakenAndUsersWhoAreHereLeftOut() async throws {
        try await Product.with { product in
            let lines = #"""
                username,credit,password_hash,password,name
                ann,10,\#(WerkzeugHashes.scrypt.stored),,"Ann ""A"""
                ben,20,\#(WerkzeugHashes.pbkdf2.stored),,
                cleo,30,,cafe\#u{301}-long,Cleo

                """#.replacing("\n", with: "\r\n")
            let file = try write(product, "\u{FEFF}" + lines)
            #expect(try await product.run("user", "import", file, "--threads", "2").contains("imported 3 users"))
            #expect(
                try await texts("select name from users order by username", at: product.database) == [#"Ann "A""#, "ben", "Cleo"]
            )
            try await refused(
                product,
                file,
                status: 1,
                ["line 2: the username 'ann' is taken", "line 4: the username 'cleo' is taken", "--skip-existing"]
            )
            let hashes = try await texts("select password_hash from users order by username", at: product.database)
            #expect(hashes[0] == WerkzeugHashes.scrypt.stored)
            let longer = try write(product, lines + "dora,40,,long-enough,\r\n")
            let again = try await product.run("user", "import", longer, "--skip-existing", "--json")
            let counts = try JSONSerialization.jsonObject(with: Data(again.utf8)) as? [String: Int]
            #expect(counts == ["imported": 1, "skipped": 3])
            #expect(
                try await texts("select password_hash from users order by username", at: product.database).prefix(3)
                    == hashes[...]
            )

            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            try await API.with(server.api) { api in
                for (name, password) in [
                    ("ann", WerkzeugHashes.scrypt.password), ("ben", WerkzeugHashes.pbkdf2.password), ("cleo", "caf\u{E9}-long"),
                    ("cleo", "cafe\u{301}-long"), ("dora", "long-enough"),
                ] { _ = try await api.login(name, password) }
                #expect(try await api.credit(try await api.login("ann", WerkzeugHashes.scrypt.password)) == 10)
            }
        }
    }
}
