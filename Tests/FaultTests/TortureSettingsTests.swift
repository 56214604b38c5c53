import ArgumentParser
import Domain
import Terminal
import Testing

@testable import Torture

@Suite struct TortureSettingsTests {
    private func settings(_ arguments: String...) throws -> TortureSettings {
        try TortureSettings(try TortureOptions.parse(arguments))
    }

    @Test func whatIsNotSaid() throws {
        let settings = try settings()
        #expect(settings.duration == .seconds(600))
        #expect(settings.faults == Fault.allCases)
        #expect(settings.mode == .local)
        #expect(settings.users == 2_000)
    }

    @Test func eachFaultOnce() throws {
        let settings = try settings("--once")
        #expect(settings.duration == nil)
        #expect(settings.times == .short)
        #expect(settings.users == 300)
        #expect(throws: UsageError.self) { try self.settings("--once", "--minutes", "3") }
    }

    @Test func faultsByName() throws {
        #expect(try settings("--faults", "sync-kill, flushall").faults == [.syncKill, .flushAll])
        #expect(try settings("--faults", "aof-*").faults == [.aofRemoved, .aofOlder, .aofTruncated])
        #expect(try settings("--faults", "^sync-stop").faults == Fault.allCases.filter { $0 != .syncStop })
        #expect(try settings("--faults", "aof-*,^aof-older").faults == [.aofRemoved, .aofTruncated])
        #expect(try settings("--faults", "sync-kill,sync-*").faults.filter { $0 == .syncKill }.count == 1)
    }

    @Test(arguments: [
        ["--faults", "sync-kil"], ["--faults", "aof-*,^aof-*"], ["--mode", "sometimes"], ["--minutes", "0"], ["--minutes", "-3"],
        ["--rate", "0"], ["--users", "3"],
    ])
    func whatCannotBe(_ arguments: [String]) throws {
        let error = #expect(throws: UsageError.self) { try TortureSettings(try TortureOptions.parse(arguments)) }
        #expect(try #require(error).problem.contains(arguments[1].split(separator: ",").last ?? ""), "it names the value")
    }
}
