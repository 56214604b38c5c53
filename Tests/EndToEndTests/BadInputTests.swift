import Foundation
import NIOHTTP1
import Testing
import TestSupport

/// Wrong input gets an error that names the value and the remedy, and changes nothing.
@Suite(.serialized) struct BadInputTests {
    @Test func commandsNameTheBadValue() async throws {
        try await Product.with { product in
            func refused(_ arguments: [String], input: String = "", status: Int32 = 64, _ texts: String...) async throws {
                let process = RedeemProcess(arguments, environment: product.environment, input: input)
                #expect(await process.exitStatus() == status, "\(arguments): \(process.output)")
                for text in texts { #expect(process.output.contains(text), "\(arguments): \(process.output)") }
            }
            let coupon = ["coupon", "create", "x", "--code", "C"]
            try await refused(coupon + ["--price=-1", "--total", "5"], "--price -1 is out of range", "0 to 9007199254740991")
            try await refused(coupon + ["--price", "1", "--total", "9223372036854775808"], "9223372036854775808")
            try await refused(
                coupon + ["--price", "1", "--total", "9007199254740992"],
                "--total 9007199254740992 is out of range"
            )
            try await refused(
                ["coupon", "create", "No Spaces", "--code", "C", "--price", "1", "--total", "1"],
                "'No Spaces' is not a coupon id"
            )
            try await refused(
                ["coupon", "create", "x", "--code", String(repeating: "x", count: 10_000), "--price", "1", "--total", "1"],
                "--code has 10000 bytes"
            )
            try await refused(["coupon", "show", "nowhere"], status: 1, "there is no coupon 'nowhere'")
            try await refused(["user", "create", "jo", "--credit", "1"], "no password was given", "--password-stdin")
            try await refused(
                ["user", "create", "jo", "--password-stdin", "--role", "king"],
                input: "long-enough\n",
                "'king' is not a role"
            )
            #expect(try await product.run("coupon", "list", "--json").filter { !$0.isWhitespace } == "[]")
        }
    }

    @Test func aBadLineImportsNothing() async throws {
        try await Product.with { product in
            var lines = ["username,password,credit,name"] + (1...9).map { "user\($0),password-\($0),\($0)0,\"User, \($0)\"" }
            lines[6] = "user6,password-6,ten,User 6"
            let file = "\(product.folder)/users.csv"
            try lines.joined(separator: "\r\n").write(toFile: file, atomically: true, encoding: .utf8)
            let refused = await redeem("user", "import", file, environment: product.environment)
            #expect(refused.status == 64)
            #expect(refused.output.contains("line 7: the column 'credit' has no whole number"))
            #expect(await redeem("user", "show", "user1", environment: product.environment).status == 1)
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")

            lines[6] = "user6,password-6,60,User 6"
            try lines.joined(separator: "\r\n").write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await product.run("user", "import", file).contains("imported 9 users"))
            #expect(try await product.run("user", "show", "user3", "--json").contains(#""name" : "User, 3""#))
            let twice = await redeem("user", "import", file, environment: product.environment)
            #expect(twice.status == 1)
            #expect(twice.output.contains("user1"))
        }
    }

    @Test func settingsThatAreMissingOrWrongAreNamed() async throws {
        let nothing = ["REDEEM_REDIS_URL": "", "REDEEM_POSTGRES_URL": ""]
        let missing = await redeem("migrate", environment: nothing)
        #expect(missing.status == 64)
        #expect(missing.output.contains("REDEEM_POSTGRES_URL is not set"))
        let unreachable = await redeem(
            "migrate",
            "--postgres-url",
            "postgres://redeem@127.0.0.1:1/redeem",
            environment: nothing
        )
        #expect(unreachable.status == 69)
        try await Product.with { product in
            var environment = product.environment
            environment["REDEEM_CODE_KEY"] = "short"
            let short = await redeem("serve", "--port", "0", environment: environment)
            #expect(short.status == 64)
            #expect(short.output.contains("REDEEM_CODE_KEY: a key has 5 bytes; it needs at least 32"))
            environment["REDEEM_CODE_KEY"] = String(repeating: "c", count: 32)
            environment["REDEEM_HTTP_PORT"] = "http"
            let port = await redeem("serve", environment: environment)
            #expect(port.status == 64)
            #expect(port.output.contains("REDEEM_HTTP_PORT is a text of 4 bytes, which is not a whole number from 0 to 65535"))
        }
    }

    @Test func requestsThatAreWrongChangeNothing() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            let token = try await product.seed(users: 1, stock: 5)[0]
            try await API.with(server.api) { api in
                let path = "/v1/coupons/sale/redemptions"
                func refused(_ body: String?, _ status: Int, _ code: String, path: String = path) async throws {
                    let answer = try await api.send(.POST, path, token: token, body: body)
                    #expect(answer.status == status, "\(body ?? "no body"): \(answer.status) \(answer.body)")
                    #expect(answer.code == code, "\(body ?? "no body"): \(answer.body)")
                    #expect(!answer.headers["X-Request-Id"].isEmpty)
                }
                for body in ["", "{", "[]", #"{"code":5}"#, #"{"code":null}"#, #"{}"#, #"{"code":"SALE-2030"}x"#] {
                    try await refused(body, 400, "invalid_body")
                }
                let long = try await api.redeem(token: token, code: String(repeating: "x", count: 10_000))
                #expect(long.status == 413)
                #expect(try await api.redeem(token: token, code: String(repeating: "x", count: 200)).status < 500)
                try await refused(#"{"code":"SALE-2030"}"#, 404, "coupon_not_found", path: "/v1/coupons/nowhere/redemptions")
                try await refused(#"{"code":"SALE-2030"}"#, 404, "not_found", path: "/v1/nothing")
                let method = try await api.send(.DELETE, "/v1/coupons/sale", token: token)
                #expect(method.status == 405)
                #expect(method.code == "method_not_allowed")
                #expect(try await api.send(.GET, "/v1/me").code == "token_invalid")
                #expect(try await api.send(.GET, "/v1/me", token: "a.b.c").code == "token_invalid")
                let me = try await api.send(.GET, "/v1/me", token: token)
                #expect((me["credit"] as? [String: Any])?["available"] as? Int == 100)
            }
            try await product.settled()
        }
    }
}
