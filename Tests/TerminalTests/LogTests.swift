import Logging
import Synchronization
import TestSupport
import Testing

@testable import Terminal

@Suite struct LogTests {
    private final class Written: Sendable {
        private let events = Mutex<[LogEvent]>([])
        var all: [LogEvent] { events.withLock { $0 } }
        func write(_ event: LogEvent) { events.withLock { $0.append(event) } }
    }

    private func event(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) -> LogEvent {
        LogEvent(level: level, message: message, metadata: metadata, source: "Server", file: "f", function: "g", line: 1)
    }

    @Test func warningsOfAnOutageAreCounted() async throws {
        let (repeats, written) = (RepeatedWarnings(interval: .milliseconds(50)), Written())
        for number in 0..<132 {
            repeats.take(event(.warning, "users cannot be read", ["error": "gone", "request_id": "\(number)"]), written.write)
        }
        repeats.take(event(.warning, "another", ["error": "gone"]), written.write)
        try await until("what was held is written") {
            let counts = written.all.compactMap { $0.metadata?["repeated"].flatMap { Int("\($0)") } }
            return written.all.count - counts.count + counts.reduce(0, +) == 133
        }
        // How many intervals they took is up to the machine.
        #expect(written.all.count { $0.message == "another" } == 1)
        #expect(written.all.count < 133)
        #expect(written.all.first?.metadata?["request_id"] == "0")
    }

    /// A request's id is its logger's, so each entry is written by the logger that it came from.
    @Test func theLastOfManyIsWrittenByItsOwnLogger() async throws {
        let (repeats, written) = (RepeatedWarnings(interval: .milliseconds(50)), (0..<3).map { _ in Written() })
        for (number, log) in written.enumerated() {
            repeats.take(event(.warning, "users cannot be read", ["error": "\(number)"]), log.write)
        }
        try await until("all are told of") {
            let events = written.flatMap(\.all)
            let counts = events.compactMap { $0.metadata?["repeated"].flatMap { Int("\($0)") } }
            return events.count - counts.count + counts.reduce(0, +) == 3
        }
        for (number, log) in written.enumerated() {
            #expect(log.all.allSatisfy { $0.metadata?["error"] == "\(number)" })
        }
        #expect(written[2].all.count == 1)
    }

    @Test func whatTellsOfMoreThanAnOutageIsAlwaysWritten() {
        let (repeats, written) = (RepeatedWarnings(), Written())
        for _ in 0..<10 {
            repeats.take(event(.error, "a request failed", ["error": "x"]), written.write)
            repeats.take(event(.warning, "a refresh token was used again", ["session": "s"]), written.write)
            repeats.take(event(.info, "a login was refused", ["error": "x"]), written.write)
        }
        #expect(written.all.count == 30)
    }
}
