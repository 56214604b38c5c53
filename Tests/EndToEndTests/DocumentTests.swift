import Foundation
import Glibc
import NIOHTTP1
import RedisClient
import TestSupport
import Testing

@testable import LocalStack
@testable import redeem

/// Every block of configuration and commands in the documents is run here as it stands, or there is a reason why not.
@Suite(.serialized) struct DocumentTests {
    private func blocks(_ isWanted: (DocumentBlock.Treatment) -> Bool) throws -> [DocumentBlock] {
        let found = try DocumentBlock.all().filter { $0.treatment.map(isWanted) ?? false }
        try #require(!found.isEmpty)
        return found
    }

    @Test func everyBlockIsRunOrHasAReason() throws {
        let blocks = try DocumentBlock.all()
        for block in blocks {
            #expect(block.treatment != nil, "\(block) is neither run nor is there a reason: see DocumentBlock")
        }
        let known = Set(blocks.map { "\($0.file) \($0.first)" })
        for key in DocumentBlock.treatments.keys { #expect(known.contains(key), "there is no such block: \(key)") }
    }

    @Test func redisAndSentinelTakeTheirConfiguration() async throws {
        let redis = try blocks { if case .redis = $0 { true } else { false } }
        for block in redis {
            try await withServer(block, "Ready to accept connections") { port in
                for line in block.filled.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("user ") {
                    let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                    // Redis writes sizes in its own way, so what it has is compared with what it makes of the words of the block.
                    let answer = await shell("redis-cli -p \(port) config get \(words[0])")
                    #expect(await shell("redis-cli -p \(port) config set \(words[0]) \(words[1])") == "OK\n", "\(block)")
                    #expect(await shell("redis-cli -p \(port) config get \(words[0])") == answer, "\(block)")
                }
            }
        }
        for block in try blocks({ if case .sentinel = $0 { true } else { false } }) {
            try await withServer(block, "+monitor master redeem", "--sentinel") { port in
                #expect(await shell("redis-cli -p \(port) sentinel ckquorum redeem").contains("NOQUORUM"))
            }
        }
    }

    @Test func settingsAreRead() throws {
        for block in try blocks({ if case .settings = $0 { true } else { false } }) {
            let values = try SettingsFile(bytes: Array(block.filled.utf8), path: block.file).values
            #expect(!values.isEmpty)
            if let url = values["REDEEM_REDIS_URL"] { _ = try RedisEndpoint(url: url) }
        }
    }

    @Test func anInstallationOpensASale() async throws {
        let block = try #require(try blocks { if case .installation = $0 { true } else { false } }.first)
        let configuration = try #require(try blocks { if case .redis = $0 { true } else { false } }.first)
        try await withPostgres { postgres in
            try await postgres.dropDatabase(PostgresServer.name)
            try await withServer(configuration, "Ready to accept connections") { port in
                try await withTemporaryFolder { folder in
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(folder)/redeem",
                        withDestinationPath: RedeemProcess.program
                    )
                    try block.text.write(toFile: "\(folder)/install", atomically: true, encoding: .utf8)
                    let (api, operations) = (try LoopbackPort.free(), try LoopbackPort.free())
                    let install = RedeemProcess(
                        [
                            "-c",
                            """
                            cd \(folder); PATH=\(folder):$PATH; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
                            set -o pipefail; . ./install; echo installed
                            """,
                        ],
                        environment: [
                            "REDIS": "127.0.0.1:\(port)", "POSTGRES": "127.0.0.1:\(postgres.port)",
                            "SUPERUSER": postgres.url(database: "postgres"), "PASSWORD": "correct horse", "CODE": "SUMMER-1",
                            "REDEEM_HTTP_PORT": "\(api)", "REDEEM_OPS_PORT": "\(operations)",
                            "REDEEM_HTTP_URL": "http://127.0.0.1:\(api)", "REDEEM_SCRYPT_LOG_N": "10",
                        ],
                        program: "/bin/bash"
                    )
                    _ = try await install.line(startingWith: "installed")
                    #expect(!install.output.contains("WRONG"), "\(install.output)")
                    #expect(await install.exitStatus() == 0, "\(install.output)")
                }
            }
        }
    }

    @Test func theStoryOfTheReadmeIsTrue() async throws {
        let block = try #require(try blocks { if case .story = $0 { true } else { false } }.first)
        try await withTemporaryFolder { folder in
            let dev = RedeemProcess(
                ["dev", "--dir", "\(folder)/state", "--port", "0"],
                environment: ["REDEEM_SCRYPT_LOG_N": "10"]
            )
            let url = String(try await dev.line(startingWith: "ready http://").dropFirst("ready ".count))
            let said = await shell(block.text.replacing("http://127.0.0.1:8080", with: url))
            for words in ["HTTP/1.1 201 Created", "HTTP/1.1 409 Conflict", "already_redeemed", #""available":90"#] {
                #expect(said.contains(words), "\(said)")
            }
            #expect(await dev.stop() == 0)
        }
    }

    /// The calls, refusals and headings that docs/MOVING.md sends developers of clients to are there.
    @Test func whatClientsMoveToIsThere() async throws {
        let page = try String(contentsOf: Repository.file("docs/MOVING.md"), encoding: .utf8)
        let calls = Set(page.matches(of: /`(GET|POST|DELETE) (\/[^`]*)`/).map { "\($0.output.1) \($0.output.2)" })
        let codes = Set(page.matches(of: /[45]\d\d(?: `[a-z_]+`,)* `([a-z_]+)`/).map { String($0.output.1) })
        #expect(calls.count > 6 && codes.count > 12, "\(calls) \(codes)")
        try await Product.with { product in
            let server = try await product.serve()
            try await API.with(server.api) { api in
                for call in calls {
                    let words = call.split(separator: " ").map(String.init)
                    let path = words[1].replacing(/\{\w+\}/, with: "x")
                    let answer = try await api.send(HTTPMethod(rawValue: words[0]), path, body: words[0] == "POST" ? "{}" : nil)
                    #expect(!["not_found", "method_not_allowed"].contains(answer.code), "\(call): \(answer.body)")
                }
                for code in codes { #expect(try await api.send(.GET, "/problems/\(code)").status == 200, "\(code)") }
            }
            #expect(await server.process.stop() == 0)
        }
        for file in ["API.md", "OPERATIONS.md"] {
            let lines = try String(contentsOf: Repository.file("docs/\(file)"), encoding: .utf8).split(separator: "\n")
            let headings = lines.filter { $0.hasPrefix("#") }.map { heading in
                heading.drop { $0 == "#" || $0 == " " }.lowercased().filter { $0.isLetter || $0.isNumber || "- ".contains($0) }
                    .replacing(" ", with: "-")
            }
            let links = page.matches(of: /\]\(([A-Z]+\.md)#([^)]*)\)/).filter { $0.output.1 == file }
            for link in links { #expect(headings.contains(String(link.output.2)), "\(file) has no #\(link.output.2)") }
        }
    }

    /// Starts a server with the block as its configuration.
    private func withServer(
        _ block: DocumentBlock,
        _ marker: String,
        _ arguments: String...,
        body: (Int) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let port = try LoopbackPort.free()
            try block.filled.write(toFile: "\(folder)/conf", atomically: true, encoding: .utf8)
            let server = try await PrivateProgram.start(
                "redis",
                command: ["/usr/bin/redis-server", "\(folder)/conf", "--port", "\(port)", "--dir", folder] + arguments,
                environment: [:],
                in: "\(folder)/server",
                readyMarker: marker,
                logger: testLogger()
            )
            try await stopping({ await server.stop() }) { try await body(port) }
        }
    }
}
