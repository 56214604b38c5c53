import Testing

/// The whole repository, as text.
@Suite struct TidyTests {
    private static let files = Result { try SourceFile.all() }

    @Test(arguments: HouseRule.allCases)
    func isKept(_ rule: HouseRule) throws {
        let found = try TidyTests.files.get().flatMap(rule.findings)
        let exceptions = HouseException.all.filter { $0.rule == rule }
        for exception in exceptions {
            let count = found.count { $0.fileName == exception.file }
            #expect(
                count == exception.count,
                "\(exception.file) has \(count) of \(exception.count) where it may: \(exception.reason)"
            )
        }
        for finding in found where !exceptions.contains(where: { $0.file == finding.fileName }) {
            Issue.record("\(finding)")
        }
    }

    /// Else the rules would be kept by a repository that nobody has looked at.
    @Test func everyPartIsLookedAt() throws {
        let paths = try Set(TidyTests.files.get().map(\.path))
        let expected = [
            "Sources/Server/", "Sources/Persistence/Migrations/", "Tests/TidyTests/", "bench/comparison/", "bench/compare",
            "lua/redeem.lua",
            "scripts/setup", "docs/", "deploy/systemd/", "README.md", "Makefile", "Package.swift", ".ci/run", "Dockerfile",
        ]
        for path in expected { #expect(paths.contains { $0.hasPrefix(path) }, "nothing of \(path)") }
        #expect(!paths.contains { $0.hasPrefix(".build") || $0.hasPrefix(".git/") })
    }
}

/// Each rule finds what breaks it, and nothing else.
@Suite struct HouseRuleTests {
    @Test(arguments: [
        (HouseRule.lineLength, "a.lua", [String(repeating: "a", count: 140), String(repeating: "a", count: 141)], [2]),
        (.lineLength, "a.swift", ["// " + String(repeating: "a", count: 141), "let " + String(repeating: "a", count: 141)], [1]),
        (
            .lineLength, "a.md",
            [
                "| " + String(repeating: "a", count: 200), "```", String(repeating: "a", count: 200), "```",
                String(repeating: "a", count: 171),
            ],
            [5]
        ),
        (.fileName, "Tea.swift", ["public struct Tea: Sendable {"], []),
        (.fileName, "Tea.swift", ["struct Cake {", "    struct Teapot {}"], [1]),
        (.fileName, "Tea+Milk.swift", ["extension Tea.Cup {"], []),
        (.fileName, "Tea+Milk.swift", ["extension Milk {"], [1]),
        (.fileName, "Pour.swift", ["/// Tea.", "public func pour<T>(_ tea: T) {"], []),
        (
            .wholeSwitch, "a.swift",
            [
                "switch tea {", "case .green, .black: 1", "default: 2", "}", "switch name {", "case \"a\": .green",
                "default: .black", "}",
            ],
            [3]
        ),
        (
            .wholeSwitch, "a.swift",
            [
                "    switch tea {", "    case (.green, let a):", "        switch a {", "        case 1: 2", "        default: 3",
                "        }", "    }",
            ],
            []
        ),
        (.plainWords, "a.lua", ["-- Whoever drinks it.", "-- What of it is none is tea.", "-- None is left."], [1, 2]),
        (.noRegistry, "Dockerfile", ["RUN pip install --index-url https://pypi.org/simple", "FROM debian"], [1]),
        (.noMachine, "a.sh", ["cd /home/ann/redeem", "GET /v1/home/x", "cd /var/lib", "cat /root/.env"], [1, 4]),
        (.noSleep, "Tests/a.swift", ["try await Task.sleep(for: .seconds(1))", "usleep(5)", "step(sleep(1))"], [1, 2]),
        (
            .noSQL, "Sources/Server/a.swift",
            [
                "query(\"select 1\")", "    select count(*) from users", "/// To select a user.", "update { $0 }",
                "\"delete from a\"",
            ],
            [1, 2, 5]
        ),
        (.noSQL, "Sources/Persistence/a.swift", ["query(\"select 1\")"], []),
        (.noSleep, "Sources/a.swift", ["try await Task.sleep(for: .seconds(1))"], []),
    ])
    func findsWhatBreaksIt(_ rule: HouseRule, _ path: String, _ lines: [String], _ expected: [Int]) {
        let file = SourceFile(path: path, text: lines.joined(separator: "\n"))
        #expect(rule.findings(in: file).map(\.line) == expected)
    }
}
