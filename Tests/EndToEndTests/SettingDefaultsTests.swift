import ArgumentParser
import Configuration
import Foundation
import Logging
import NIOCore
import PostgresClient
import RedisClient
import Synchronization
import Terminal
import Testing

@testable import redeem

/// Operators are told the names and defaults that the program has: by its own readers, with nothing set that has a default.
struct SettingDefaultsTests {
    private static let needed = [
        "redis.url": "redis://127.0.0.1:1", "postgres.url": "postgres://u@127.0.0.1:1/d",
        "import.from": "postgres://u@127.0.0.1:1/f",
        "code.key": String(repeating: "k", count: 64),
    ]

    @Test func operationsHasEachSettingOnceWithItsDefault() async throws {
        let taken = try await SettingDefaultsTests.taken()
        let rows = try SettingDefaultsTests.documented()
        #expect(rows.map(\.name).sorted() == SettingNames.keys.map(SettingNames.variable).sorted())
        for (name, text) in rows { #expect(taken[name] ?? [] == SettingDefaultsTests.values(text), "\(name)") }
        let level = try #require(rows.first { $0.name == "REDEEM_LOG_LEVEL" })
        #expect(level.text == Logger.Level.defaults)
    }

    @Test func helpTellsTheSameDefaults() async throws {
        let taken = try await SettingDefaultsTests.taken()
        let told = SettingDefaultsTests.commands(of: Redeem.self).flatMap { command in
            command.helpMessage(columns: 1000).matches(of: /\[(REDEEM_[A-Z_]+), default ([^\]]+)\]/).map {
                (String($0.1), String($0.2))
            }
        }
        #expect(Set(told.map(\.0)).count > 5)
        for (name, text) in told { #expect(taken[name] == SettingDefaultsTests.values(text), "\(name)") }
    }

    @Test(arguments: needed.keys.sorted())
    func aNeededSettingHasNoDefault(_ key: String) async throws {
        let flags = SettingDefaultsTests.needed.filter { $0.key != key }.mapValues(Optional.some)
        let settings = try await Settings(flags: flags, file: nil)
        let error = #expect(throws: UsageError.self) { try SettingDefaultsTests.readAll(settings) }
        #expect(error?.problem == "\(SettingNames.variable(key)) is not set")
    }

    @Test func theReplicationTimeoutIsHalfOfTheDeadline() async throws {
        let taken = try await SettingDefaultsTests.taken(["redis.deadline_ms": "3000"])
        #expect(taken["REDEEM_REDIS_REPLICATION_TIMEOUT_MS"] == ["1500"])
    }
}

extension SettingDefaultsTests {
    /// The values that the program takes, by variable: none, one, or one for each kind of process.
    private static func taken(_ flags: [String: String] = [:]) async throws -> [String: [String]] {
        let read = ReadValues()
        let settings = try await Settings(flags: needed.merging(flags) { $1 }.mapValues(Optional.some), file: nil, reporter: read)
        read.forget()
        try readAll(settings)
        let values = read.values
        #expect(Set(values.keys) == SettingNames.keys.subtracting(["config"]), "each is read by what is configured")
        return values.filter { needed[$0.key] == nil }
            .reduce(into: [:]) { $0[SettingNames.variable($1.key)] = $1.value }
    }

    /// All that processes are configured by.
    private static func readAll(_ settings: Settings) throws {
        _ = try ServeSettings(settings) { _ in }
        _ = try SyncSettings(settings)
        _ = try RedisConfiguration(settings.reader)
        _ = try PostgresConfiguration(settings.reader)
        _ = try PostgresConfiguration.importSource(settings.reader)
        _ = try settings.logger("command")
        _ = try settings.logger("service", default: .ofServices)
        _ = settings.reader.serverURL()
    }

    /// The rows of the table, one for each name. A row of several names has their defaults in the same order.
    private static func documented() throws -> [(name: String, text: String)] {
        let page = try String(contentsOf: Repository.file("docs/OPERATIONS.md"), encoding: .utf8)
        return page.split(separator: "\n").filter { $0.hasPrefix("| `REDEEM_") }.flatMap { row in
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let names = cells[0].matches(of: /REDEEM_[A-Z_]+/).map { String($0.output) }
            let texts = names.count == 1 ? [cells[1]] : cells[1].split(separator: ", ").map(String.init)
            guard texts.count == names.count else { return names.map { ($0, "not as many as names: \(cells[1])") } }
            return names.indices.map { (names[$0], texts[$0]) }
        }
    }

    /// The values that a text of a default means: `500: half of another` is 500; `notice; info for serve` is either.
    private static func values(_ text: String) -> [String] {
        switch text {
        case "none": []
        case "half of the processors, at most 3": ["\(min(3, max(1, System.coreCount / 2)))"]
        default: text.split(separator: "; ").map { String($0.prefix { $0 != " " }).trimmingCharacters(in: [":"]) }
        }
    }

    private static func commands(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap(commands)
    }
}

/// Each value that is read, by key.
private final class ReadValues: AccessReporter {
    private let read = Mutex<[String: [String]]>([:])

    var values: [String: [String]] { read.withLock { $0 } }

    func forget() { read.withLock { $0 = [:] } }

    func report(_ event: AccessEvent) {
        let key = event.metadata.key.components.joined(separator: ".")
        let value = try? event.result.get()
        read.withLock { read in
            read[key, default: []] += []
            guard case .string(let text)? = value?.content, read[key]?.contains(text) != true else { return }
            read[key]?.append(text)
        }
    }
}
