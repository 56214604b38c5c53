import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// Text from outside, on every way in; and text that is stored, on its way to a terminal.
@Suite(.serialized) struct TextInputTests {
    /// Runs a line of shell in which `redeem` is the program.
    private func run(_ product: Product, _ line: String) async -> (status: Int32, output: String) {
        let process = RedeemProcess(
            ["-c", "redeem() { \(RedeemProcess.program) \"$@\"; }; \(line)"],
            environment: product.environment,
            program: "/bin/bash"
        )
        let status = await process.exitStatus()
        return (status, process.output)
    }

    @Test func whatIsWrongWithATextIsToldWithItsNameAndPlace() async throws {
        try await Product.with { product in
            let coupon = "redeem coupon create r --price 1 --total 1"
            let user = "redeem user create jo --password-stdin"
            for (line, words) in [
                (#"printf '\xff\n' | \#(coupon) --code-stdin"#, "standard input, line 1, is not UTF-8 (byte 1)"),
                (
                    #"printf 'A\tB\n' | \#(coupon) --code-stdin"#,
                    "the code on standard input has the control character U+0009 at position 2"
                ),
                (#"printf 'A\0B\n' | \#(coupon) --code-stdin"#, "U+0000 at position 2"),
                (#"printf 'A\xef\xbb\xbf\n' | \#(coupon) --code-stdin"#, "U+FEFF at position 2"),
                (#"printf '\n' | \#(coupon) --code-stdin"#, "the code on standard input is empty"),
                (#"\#(coupon) --code-stdin </dev/null"#, "no hidden code was given"),
                (#"echo S3CRET | \#(coupon) --code-stdin --code S3CRET"#, "exclude each other"),
                (#"\#(coupon) --code "$(printf 'A\xff')""#, "behind --code, is not UTF-8 (byte 2)"),
                (#"\#(coupon) --code $'A\e[31m'"#, "--code has the control character U+001B at position 2"),
                (#"\#(coupon) --code '   '"#, "--code has nothing but blanks"),
                (#"\#(coupon) --code ' S3CRET'"#, "--code begins or ends with a blank"),
                (#"\#(coupon) --code ''"#, "--code is empty"),
                (#"\#(coupon) --code C --name ''"#, "--name is empty"),
                (#"\#(coupon) --code C --name $'a\nb'"#, "--name has the control character U+000A at position 2"),
                (#"printf 'S3CRET\x1b12\n' | \#(user)"#, "the password on standard input has the control character U+001B"),
                (#"printf 'short\n' | \#(user)"#, "has 5 characters"),
                (#"\#(user) </dev/null"#, "no password was given"),
                ("redeem user credit jo --add 1 --reason ''", "--reason is empty"),
                ("redeem user credit jo --add 1 --reason ' '", "--reason has nothing but blanks"),
                ("redeem quarantine drop 1 --yes --reason ''", "--reason is empty"),
                (#"redeem user show $'\e[31mjo'"#, "there is no user '\\u{1B}[31mjo'"),
                (#"redeem coupon show $'\e[31mjo'"#, "'\\u{1B}[31mjo' is not a coupon id"),
                (#"redeem coupon $'\e[31mjo'"#, "value too many"),
            ] {
                let (status, output) = await run(product, line)
                #expect(status == (line.contains("user show") ? 1 : 64), "\(line): \(output)")
                #expect(output.contains(words), "\(line): \(output)")
                #expect(!output.contains("\u{1B}") && !output.contains("S3CRET"), "\(line): \(output)")
            }
            let made = try await texts("select id from coupons union select username from users", at: product.database)
            #expect(made.isEmpty)
        }
    }

    @Test func aCodeIsTheSameHoweverItIsTyped() async throws {
        try await Product.with { product in
            for (id, code) in [
                ("bom", #"\xef\xbb\xbfSTDIN-2\r\n"#), ("accent", #"CAFE\xcc\x81\n"#), ("wide", #"\xef\xbc\xa1-1"#),
            ] {
                let created = await run(
                    product,
                    "printf '\(code)' | redeem coupon create \(id) --price 1 --total 9 --code-stdin"
                )
                #expect(created.status == 0, "\(created.output)")
                #expect(created.output.contains("recorded; it takes effect as soon as"))
            }
            let taken = await run(product, "redeem coupon create other --price 1 --total 9 --code $'CAF\\xc3\\x89'")
            #expect(taken.status == 1)
            #expect(taken.output.contains("another coupon has this hidden code"))
            let seed = await run(
                product,
                "redeem seed --users 1 --credit 1 --coupon new --stock 1 --price 1 --code STDIN-2 --tokens \(product.folder)/t"
            )
            #expect(seed.status == 1, "\(seed.output)")
            #expect(seed.output.contains("another coupon has this hidden code"))

            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let tokens = try await product.seed(users: 2, stock: 1)
            try await product.applied()
            try await API.with(server.api) { api in
                #expect(try await api.redeem("bom", token: tokens[0], code: "STDIN-2").status == 201)
                #expect(try await api.redeem("accent", token: tokens[0], code: "CAF\u{C9}").status == 201)
                #expect(try await api.redeem("accent", token: tokens[1], code: "CAFE\u{301}").status == 201)
                #expect(try await api.redeem("wide", token: tokens[0], code: "A-1").status == 201)
                for (code, words) in [
                    ("", "is empty"), (" ", "has nothing but blanks"), ("SALE-2030 ", "begins or ends with a blank"),
                    (#"A\u0000"#, "has the control character U+0000 at position 2"), ("\u{FEFF}A", "U+FEFF at position 1"),
                    (String(repeating: "x", count: 129), "has 129 bytes, and may have 128"),
                ] {
                    for path in ["/v1/coupons/sale/redemptions", "/v1/redemptions"] {
                        let answer = try await api.send(.POST, path, token: tokens[0], body: "{\"code\":\"\(code)\"}")
                        #expect(answer.status == 400, "\(answer.body)")
                        #expect((answer["detail"] as? String)?.hasPrefix("The member 'code' ") == true, "\(answer.body)")
                        #expect((answer["detail"] as? String)?.contains(words) == true, "\(answer.body)")
                    }
                }
                // None of them was a wrong code.
                #expect(try await api.redeem(token: tokens[0]).status == 201)
                let name = try await api.send(.POST, "/v1/auth/login", body: #"{"username":"a\u001b","password":"x"}"#)
                #expect(name["detail"] as? String == "The member 'username' has the control character U+001B at position 2.")
            }
            try await product.settled()
        }
    }

    @Test func amountsAreRefusedWithTheirNumbers() async throws {
        try await Product.with { product in
            try await product.run("user", "create", "jo", "--password-stdin", "--credit", "7", input: "long-enough\n")
            let rich = await redeem("user", "credit", "jo", "--add", "9007199254740991", environment: product.environment)
            #expect(rich.status == 1)
            #expect(rich.output.contains("--add 9007199254740991 would be too much: the user has 7 already"), "\(rich.output)")
            try await product.run(
                "coupon",
                "create",
                "x",
                "--price",
                "1",
                "--total",
                "1",
                "--code",
                "C",
                "--starts",
                "2030-06-01T10:00:00.123Z",
                "--ends",
                "2030-06-01T10:00:00.124Z"
            )
            let shown = try await product.run("coupon", "show", "x", "--json")
            #expect(shown.contains("2030-06-01T10:00:00.123Z") && shown.contains("2030-06-01T10:00:00.124Z"), "\(shown)")
        }
    }

    /// Whatever is stored, a terminal is told nothing that it would obey.
    @Test func storedTextsAreMadePrintable() async throws {
        try await Product.with { product in
            try await product.run("user", "create", "jo", "--password-stdin", input: "long-enough\n")
            try await product.run("coupon", "create", "x", "--price", "1", "--total", "1", "--code", "C")
            let evil = #"E'a\x1b]0;b\x07\u202ec\u200bd\u009b\n'"#
            try await EndToEndTests.run(
                """
                update users set name = \(evil); update coupons set name = \(evil);
                insert into quarantine (shard, epoch, stream_id, entry, reason)
                    values (0, 1, '1-1', jsonb_build_object('x', \(evil)), \(evil))
                """,
                at: product.database
            )
            let server = try await product.serve()
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            try await API.with(server.api) { api in
                let login = try await api.send(
                    .POST,
                    "/v1/auth/login",
                    body: #"{"username":"jo","password":"long-enough"}"#,
                    headers: [("User-Agent", "x\u{202E}y")]
                )
                #expect(login.status == 200, "\(login.body)")
            }
            for arguments in [
                ["user", "show", "jo"], ["coupon", "show", "x"], ["coupon", "list"], ["coupon", "pause", "x"],
                ["user", "credit", "jo", "--add", "1"], ["quarantine", "list"], ["session", "list", "jo"],
            ] {
                let table = try await product.run(arguments)
                #expect(table.contains("\\u{202E}"), "\(arguments): \(table)")
                let json =
                    arguments == ["quarantine", "list"] || arguments.contains("list") || arguments.contains("show")
                    ? try await product.run(arguments + ["--json"]) : ""
                if !json.isEmpty {
                    #expect(json.contains(#"\u202e"#), "\(arguments): \(json)")
                    _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
                }
                for scalar in (table + json).unicodeScalars where scalar != "\n" {
                    #expect(scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format)
                }
            }
        }
    }
}
