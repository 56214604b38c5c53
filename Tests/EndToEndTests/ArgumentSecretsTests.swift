import ArgumentParser
import Foundation
import Terminal
import Testing

@testable import redeem

/// Secrets in the wrong places of the command line, and what messages repeat of them.
@Suite struct ArgumentSecretsTests {
    private static let secret = "S3CRET-two!"

    private func refused(_ arguments: [String], _ words: String = "", status: Int32 = 64) async {
        let environment = [
            "REDEEM_POSTGRES_URL": "postgres://u@127.0.0.1:1/d", "REDEEM_CODE_KEY": String(repeating: "c", count: 32),
        ]
        let report = await redeem(arguments, environment: environment)
        #expect(report.status == status, "\(arguments): \(report.output)")
        #expect(report.output.contains(words), "\(arguments): \(report.output)")
        #expect(!report.output.contains("S3CRET"), "\(arguments): \(report.output)")
    }

    @Test(arguments: [
        (["--price", secret], "The value '…' is invalid for '--price <price>'"),
        (["--price=\(secret)"], "The value '…' is invalid for '--price <price>'"),
        (["--price", "a\nS3CRET' is invalid for '"], "The value '…' is invalid for '--price <price>'"),
        (["--code-stdin=\(secret)"], "The option '--code-stdin' does not take any value, but '…' was specified"),
        (["--code-stdin", "-\(secret)"], "Unknown option '…'"), (["--code-stdin", "--\(secret)"], "Unknown option '…'"),
        (["--code-stdin", "--\(secret)=x"], "Unknown option '…'"), (["-p\(secret)"], "Unknown option '-p…'"),
        (["--password", secret], "Unknown option '--password'"), (["a\n\(secret)"], "a value too many"),
        (["--code", "two", secret], "a value too many"),
    ])
    func theParserRepeatsNone(arguments: [String], words: String) async {
        await refused(["coupon", "create", "x", "--price", "1", "--total", "1"] + arguments, words)
    }

    /// What is taken for a name because of where it stands.
    @Test func namesBehindASecretAreNotRepeated() async {
        let new = ["--price", "1", "--total", "1"]
        await refused(["coupon", "create"] + new + ["--code", "two", "S3CRET words"], "'…' is not a coupon id")
        await refused(["coupon", "create"] + new + ["--code-stdin", Self.secret], "'…' is not a coupon id")
        await refused(["user", "create", "--password-stdin", Self.secret], "'…' is not a username")
        await refused(["key", "adopt-code", "--code-stdin", Self.secret], "'…' is not a coupon id")
        await refused(["bench", "--code", "two", "S3CRET"], "The value '…' is invalid for '<scenario>'")
        for url in ["u:\(Self.secret)@h", "ftp://u:\(Self.secret)@h", "http://u:\(Self.secret)@h/x", "http://[\(Self.secret)"] {
            await refused(["bench", "--coupon", "c", "--code", "c", "--url", url], "--url ")
        }
        let https = "https://u:\(Self.secret)@127.0.0.1:9"
        await refused(["bench", "--coupon", "c", "--code", "c", "--url", https], "--tokens is missing")
        await refused(["health", "--url", "http://u:\(Self.secret)@127.0.0.1:9"], "does not answer", status: 69)
    }

    @Test func whatIsNoSecretIsNamed() {
        let secrets = ArgumentSecrets(["redeem", "x", "--code", "a b", "c", "--price", "1,5", "--for", "srv", "Summer Sale"])
        #expect(secrets.quoted("Summer Sale") == "'Summer Sale'")
        #expect(secrets.quoted("a b") == "'…'" && secrets.quoted("c") == "'…'")
        #expect(secrets.quoted(String(repeating: "x", count: 100)).count == 82)
        #expect(secrets.hidden(in: "The value '1,5' is invalid") == "The value '1,5' is invalid")
        #expect(secrets.hidden(in: "The value 'srv' is invalid") == "The value '…' is invalid")
        let choice = "The value 'srv' is invalid. Please provide one of 'serve' or 'sync'."
        #expect(secrets.hidden(in: choice) == choice)
        #expect(secrets.hidden(in: "Unknown option '--price'") == "Unknown option '--price'")
    }

    private func refusal(of arguments: [String]) -> String? {
        do {
            _ = try Redeem.parseAsRoot(arguments)
            return nil
        } catch {
            return Redeem.message(for: error)
        }
    }

    /// Each command's flags, as the program tells them: one that takes or reads a code or password is known as such, and a value of
    /// any kind that the parser refuses is not repeated.
    @Test func everyCommandIsCovered() async throws {
        struct Help: Decodable { let command: Command }
        struct Command: Decodable {
            let commandName: String
            let arguments: [Argument]?
            let subcommands: [Command]?
        }
        struct Argument: Decodable {
            struct Name: Decodable { let name: String }
            let kind: String
            let names: [Name]?
        }
        let help = try JSONDecoder().decode(Help.self, from: Data(await redeem("--experimental-dump-help").output.utf8))
        // Files of codes, tokens and logins, and what sends keys of another kind.
        let others: Set = [
            "--codes", "--tokens", "--refresh-tokens", "--token-minutes", "--idempotency-keys", "--no-idempotency-keys",
        ]
        var numbers = 0
        func look(at command: Command, _ path: [String]) {
            for argument in command.arguments ?? [] {
                for name in (argument.names ?? []).map({ "--\($0.name)" }) {
                    let isSecret = name.contains(/code|passw|token|secret|key/) && !others.contains(name)
                    #expect(!isSecret || ArgumentSecrets.flags.contains(name), "\(path) \(name)")
                    guard argument.kind == "option" else { continue }
                    // Parsed only: most of them would run.
                    let arguments = path + [name, Self.secret]
                    guard let message = refusal(of: arguments), message.contains("is invalid for") else { continue }
                    let shown = ArgumentSecrets(["redeem"] + arguments).hidden(in: message)
                    numbers += 1
                    #expect(message.contains("S3CRET"))
                    #expect(!shown.contains("S3CRET") || message.contains("Please provide one of"), "\(shown)")
                }
            }
            for next in command.subcommands ?? [] { look(at: next, path + [next.commandName]) }
        }
        look(at: help.command, [])
        #expect(numbers > 10)
    }
}
