import Foundation
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct MigratorTests {
    let first = Migration(number: 1, name: "first", sql: "create table one (a int); create table two (b int)")
    let second = Migration(number: 2, name: "second", sql: "alter table one add column c text")

    @Test func aFreshDatabaseGetsAllAndASecondRunNothing() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { dedicated throws in
                try await dedicated.withConnection { connection throws in
                    #expect(try Migrator().pending(on: connection) == Migration.all)
                    #expect(throws: MigrationError.pending(Migration.all)) { try Migrator().requireCurrent(on: connection) }
                    #expect(try Migrator().run(on: connection) == Migration.all)
                    #expect(try Migrator().run(on: connection) == [])
                    #expect(try Migrator().pending(on: connection) == [])
                    try Migrator().requireCurrent(on: connection)
                    #expect(try connection.count("users") == 0)
                    // It took the limit on a statement's time away, and put it back.
                    #expect(try connection.query("show statement_timeout")[0].decode(0) == "30s")
                }
            }
        }
    }

    @Test func laterMigrationsAreAppliedInOrder() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { [first, second] dedicated in
                try await dedicated.withConnection { connection throws in
                    #expect(try Migrator(migrations: [first]).run(on: connection) == [first])
                    #expect(try Migrator(migrations: [first, second]).pending(on: connection) == [second])
                    #expect(try Migrator(migrations: [first, second]).run(on: connection) == [second])
                    try connection.execute("insert into one (c) values ('x')")
                }
            }
        }
    }

    @Test func aChangedMigrationIsNamedWithTheRemedy() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { [first, second] dedicated in
                try await dedicated.withConnection { connection throws in
                    try Migrator(migrations: [first]).run(on: connection)
                    let changed = Migration(number: 1, name: "first", sql: first.sql + " ")
                    let error = #expect(throws: MigrationError.self) {
                        try Migrator(migrations: [changed, second]).run(on: connection)
                    }
                    #expect(error == .changed(changed, applied: "first"))
                    #expect(error?.description.contains("put its file back") == true)
                    #expect(try connection.count("schema_migrations") == 1)
                }
            }
        }
    }

    @Test func aNewerDatabaseIsRefused() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { [first, second] dedicated in
                try await dedicated.withConnection { connection throws in
                    try Migrator(migrations: [first, second]).run(on: connection)
                    let error = #expect(throws: MigrationError.self) { try Migrator(migrations: [first]).run(on: connection) }
                    #expect(error == .databaseIsNewer(database: 2, program: 1))
                    #expect(throws: MigrationError.self) { try Migrator(migrations: [first]).requireCurrent(on: connection) }
                }
            }
        }
    }

    @Test func aMissingMigrationIsNamed() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { [first, second] dedicated in
                try await dedicated.withConnection { connection throws in
                    try Migrator(migrations: [first, second]).run(on: connection)
                    try connection.execute("delete from schema_migrations where number = 1")
                    #expect(throws: MigrationError.missing(first)) {
                        try Migrator(migrations: [first, second]).run(on: connection)
                    }
                }
            }
        }
    }

    @Test func aFailedMigrationLeavesNothing() async throws {
        try await withConfiguration { configuration in
            try await withDedicatedConnection(configuration) { [first] dedicated in
                try await dedicated.withConnection { connection throws in
                    let broken = Migration(number: 2, name: "broken", sql: "create table three (a int); select 1 / 0")
                    let error = #expect(throws: MigrationError.self) {
                        try Migrator(migrations: [first, broken]).run(on: connection)
                    }
                    #expect(error?.description.contains("0002_broken failed") == true)
                    #expect(error?.description.contains("division by zero") == true)
                    #expect(try connection.count("schema_migrations") == 1)
                    #expect(try connection.query("select to_regclass('three') is null")[0].decode(0, as: Bool.self))
                }
            }
        }
    }

    @Test func migratorsAtTheSameTimeTakeTurns() async throws {
        let slow = (1...3).map { Migration(number: $0, name: "slow", sql: "create table t\($0) (a int); select pg_sleep(0.02)") }
        try await withConfiguration { configuration in
            let applied = try await withThrowingTaskGroup(of: [Migration].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await withDedicatedConnection(configuration) { dedicated throws in
                            try await dedicated.withConnection { try Migrator(migrations: slow).run(on: $0) }
                        }
                    }
                }
                return try await group.reduce([], +)
            }
            #expect(applied.sorted { $0.number < $1.number } == slow)
        }
    }

    @Test func everyFileOfTheFolderIsListed() throws {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let folder = root.appendingPathComponent("Sources/Persistence/Migrations").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(files == Migration.all.map { "\($0).sql" })
        for migration in Migration.all {
            #expect(try String(contentsOfFile: "\(folder)/\(migration).sql", encoding: .utf8) == migration.sql)
        }
    }
}
