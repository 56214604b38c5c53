import Foundation
import Terminal
import Testing
import TestSupport

@testable import redeem

/// How a settings file is read, and that nothing which is told of a setting tells its value.
struct SettingsFileTests {
    private static let secret = "0123456789abcdef0123456789abcdef-a-secret"

    private func values(_ text: String) throws -> [String: String] {
        try SettingsFile(bytes: Array(text.utf8), path: "env").values
    }

    @Test(arguments: [
        ("REDEEM_LOG_LEVEL=info\r\nREDEEM_CODE_KEY=k\r\n", ["REDEEM_LOG_LEVEL": "info", "REDEEM_CODE_KEY": "k"]),
        ("\u{FEFF}REDEEM_CODE_KEY=k", ["REDEEM_CODE_KEY": "k"]),
        ("\n  # REDEEM_CODE_KEY=no\n\t\nexport  REDEEM_CODE_KEY = k \n", ["REDEEM_CODE_KEY": "k"]),
        (#"REDEEM_CODE_KEY='a "b" \ # c '"#, ["REDEEM_CODE_KEY": #"a "b" \ # c "#]),
        (#"REDEEM_CODE_KEY="a \"b\" \\ 'c' # ""#, ["REDEEM_CODE_KEY": #"a "b" \ 'c' # "#]),
        ("REDEEM_CODE_KEY=''\nREDEEM_TOKEN_KEY=", ["REDEEM_CODE_KEY": "", "REDEEM_TOKEN_KEY": ""]),
        ("REDEEM_CODE_KEY=a=b#c'd\"e\nPOSTGRES_PASSWORD=x", ["REDEEM_CODE_KEY": "a=b#c'd\"e", "POSTGRES_PASSWORD": "x"]),
        // Of other programs, as in the file that docker-compose reads.
        ("POSTGRES_USER=u\nREDIS_PASSWORD=x\nPGHOST=h\nLD_PRELOAD=l\nPORT=1", [:]),
        ("LOG_LEVEL=debug\nREDEEM_LOG_LEVEL=info", ["REDEEM_LOG_LEVEL": "info"]), ("", [:]),
    ])
    func linesAreRead(text: String, expected: [String: String]) throws {
        #expect(try values(text).filter { $0.key.hasPrefix("REDEEM_") || expected[$0.key] != nil } == expected)
    }

    /// As they are, and with all that they only propose.
    @Test(arguments: ["serve.env", "sync.env"]) func samplesAreSettings(file: String) throws {
        let sample = try String(contentsOf: Repository.file("deploy/settings/\(file)"), encoding: .utf8)
        let proposed = try values(sample.replacing("\n#REDEEM_", with: "\nREDEEM_"))
        #expect(try values(sample).keys.contains("REDEEM_REDIS_URL") && proposed.count > values(sample).count)
        let documented = try String(contentsOf: Repository.file("docs/OPERATIONS.md"), encoding: .utf8)
        for name in proposed.keys { #expect(documented.contains("`\(name)`"), "docs/OPERATIONS.md has no \(name)") }
    }

    @Test(arguments: [
        ("\(secret)", "line 1: it is not understood"), ("A=b\n\n= \(secret)", "line 3: it is not understood"),
        ("RE DEEM=\(secret)", "line 1: it is not understood"),
        ("REDEEM_CODE_KEY='\(secret)", "line 1: the value of REDEEM_CODE_KEY has no closing quote"),
        ("REDEEM_CODE_KEY=\"\(secret)\" x", "goes on behind its closing quote"),
        ("REDEEM_CODE_KEY=\"\(secret)\\n\"", "has a '\\' that is not understood"),
        ("REDEEM_CODE_KEY=\(secret) # old", "has a blank and a '#' in it"),
        ("REDEEM_CODE_KEY=\(secret)\rREDEEM_TOKEN_KEY=\(secret)", "line 1: it has a control character"),
        ("REDEEM_CODE_KEY=\(secret)\u{0}", "line 1: it has a control character"),
        ("REDEEM_CODE_KEYS=\(secret)", "line 1: there is no setting REDEEM_CODE_KEYS\n  did you mean REDEEM_CODE_KEY?"),
        ("redeem_code_key=\(secret)", "did you mean REDEEM_CODE_KEY?"),
        ("REDEM_CODE_KEY=\(secret)", "did you mean REDEEM_CODE_KEY?"),
        ("A=b\nLOG_LEVEL=\(secret)", "line 2: LOG_LEVEL is not read\n  write REDEEM_LOG_LEVEL"),
        ("token_key=\(secret)", "line 1: token_key is not read\n  write REDEEM_TOKEN_KEY"),
        ("export CODE_KEYS=\(secret)", "write REDEEM_CODE_KEY"), ("LOGLEVEL=\(secret)", "write REDEEM_LOG_LEVEL"),
        ("REDIS_URL=\(secret)\nREDEEM_REDIS_ULR=\(secret)", "line 2: there is no setting REDEEM_REDIS_ULR"),
        ("REDEEM_ANYTHING_ELSE_AT_ALL=\(secret)", "there is no setting REDEEM_ANYTHING_ELSE_AT_ALL"),
        ("REDEEM_CODE_KEY=\(secret)\nREDEEM_CODE_KEY=\(secret)", "line 2: REDEEM_CODE_KEY is set in line 1 already"),
    ])
    func mistakesAreToldWithTheirLineAndNoValue(text: String, words: String) throws {
        let error = try #require(throws: UsageError.self) { try values(text) }
        #expect("\(error)".contains("'env', line"), "\(error)")
        #expect("\(error)".contains(words), "\(error)")
        #expect(!"\(error)".contains(Self.secret), "\(error)")
    }

    @Test func aFileThatIsNoTextIsTold() throws {
        let error = try #require(throws: UsageError.self) { try SettingsFile(bytes: [0x41, 0x3D, 0xFF], path: "env") }
        #expect("\(error)".contains("line 1: it is not UTF-8"))
        #expect(throws: UsageError.self) { try SettingsFile(path: "/nowhere") }
        #expect(throws: UsageError.self) { try SettingsFile(path: "/tmp") }
    }

    /// Names that others put into the environment, and names of tools.
    @Test func onlyNamesWithASlipAreRefused() {
        for (name, value) in [
            ("REDEEM_SERVICE_HOST", "10.0.0.1"), ("REDEEM_SERVICE_PORT_HTTP", "80"), ("REDEEM_PORT", "tcp://10.0.0.1:80"),
            ("REDEEM_PORT_8080_TCP_ADDR", "10.0.0.1"), ("REDEEM_API_SERVICE_HOST", "10.0.0.1"), ("REDEEM_SIMULATION_SEED", "7"),
            ("REDEEM_WARNINGS_AS_ERRORS", "1"), ("REDIS_URL", "x"), ("PATH", "x"),
        ] { #expect(SettingNames.fault(of: name, value: value) == nil, "\(name)") }
        #expect(SettingNames.fault(of: "REDEEM_PORT", value: "8080") != nil)
    }

    /// What is set for tests, the program that is tested has in its environment too.
    @Test func namesOfToolsAreKnown() throws {
        let names = try ["CONTRIBUTING.md", ".ci/run", "scripts/test", "Package.swift"].flatMap { file in
            try String(contentsOf: Repository.file(file), encoding: .utf8).matches(of: /REDEEM_[A-Z_]+/).map { String($0.output) }
        }
        #expect(names.count > 5)
        for name in names { #expect(SettingNames.fault(of: name, value: "1") == nil, "\(name)") }
    }

    /// The program as it is run, with secrets in places where they should not be.
    @Test func noMessageHoldsAValue() async throws {
        try await withTemporaryFolder { folder in
            func refused(_ arguments: [String], _ environment: [String: String], _ words: String) async {
                let report = await redeem(arguments, environment: environment)
                #expect(report.status == 64, "\(arguments) \(environment.keys): \(report.output)")
                #expect(report.output.contains(words), "\(report.output)")
                #expect(!report.output.contains(Self.secret), "\(arguments) \(environment.keys): \(report.output)")
            }
            let file = "\(folder)/env"
            try "REDEEM_LOG_LEVEL=info\rREDEEM_TOKEN_KEY=\(Self.secret)\r".write(toFile: file, atomically: true, encoding: .utf8)
            await refused(["serve", "--config", file], [:], "'\(file)', line 1")
            await refused(["serve"], ["REDEEM_CONFIG": file], "'\(file)', line 1")
            let stores = [
                "REDEEM_REDIS_URL": "redis://127.0.0.1:1", "REDEEM_POSTGRES_URL": "postgres://u@127.0.0.1:1/d",
                "REDEEM_TOKEN_KEY": Self.secret, "REDEEM_CODE_KEY": Self.secret,
            ]
            // A secret in the place of each setting. Some of these settings are texts of any kind, or only read elsewhere.
            let any: Set = [
                "REDEEM_CODE_KEY", "REDEEM_TOKEN_KEY", "REDEEM_TOKEN_OTHER_KEYS", "REDEEM_TOKEN_ISSUER", "REDEEM_TOKEN_AUDIENCE",
            ]
            let worker: Set = ["REDEEM_IMPORT_FROM", "REDEEM_HTTP_URL"]
            for name in SettingNames.keys.map(SettingNames.variable).sorted() where !any.contains(name) {
                let command =
                    worker.contains(name)
                    ? (name == "REDEEM_HTTP_URL" ? ["health"] : ["import", "flask"])
                    : name.hasPrefix("REDEEM_SYNC") ? ["sync"] : ["serve"]
                let value = name == "REDEEM_HTTP_HOST" || name == "REDEEM_OPS_HOST" ? "redis://:\(Self.secret)@host" : Self.secret
                guard name != "REDEEM_CONFIG" else { continue }
                await refused(command, stores.merging([name: value]) { $1 }, name)
            }
            for url in ["postgres://u:\(Self.secret)", "postgres://u:p@\(Self.secret)@h/d", "postgres://u:p/\(Self.secret)@h/d"] {
                await refused(["migrate"], ["REDEEM_POSTGRES_URL": url], "REDEEM_POSTGRES_URL: ")
                await refused(["migrate", "--postgres-url", url], [:], "REDEEM_POSTGRES_URL: ")
            }
            await refused(["migrate", "redis://u:\(Self.secret)@h"], [:], "a value too many")
            await refused(["migrate", "--redis-ulr=redis://u:\(Self.secret)@h"], [:], "--redis-ulr")
            await refused(
                ["serve"],
                stores.merging(["REDEEM_CODE_KEY": "\(Self.secret)\r"]) { $1 },
                "REDEEM_CODE_KEY begins or ends"
            )
            await refused(["serve"], stores.merging(["REDEEM_COED_KEY": Self.secret]) { $1 }, "did you mean REDEEM_CODE_KEY?")
        }
    }
}

/// Files of the sources that the tests are built from.
enum Repository {
    static func file(_ path: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: path)
    }
}
