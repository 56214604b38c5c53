import Foundation
import LocalStack
import Testing
import TestSupport

@Suite struct PrivateProgramTests {
    @Test func aProgramIsReadyWhenItSaysSoAndStopsWhenItShall() async throws {
        try await withTemporaryFolder { folder in
            let script = "echo \"$GREETING, ${HOME:-nobody}\"; echo ready at $PORT; exec sleep 60"
            let program = try await PrivateProgram.start(
                "script",
                command: ["/bin/sh", "-c", script],
                environment: ["GREETING": "hello", "PORT": "17", "HOME": nil],
                in: "\(folder)/script",
                readyMarker: "ready",
                logger: testLogger()
            )
            #expect(program.readyLine.contains("ready at 17"))
            #expect(kill(program.pid, 0) == 0)
            await program.stop()
            #expect(kill(program.pid, 0) != 0)
            let log = try String(contentsOfFile: "\(folder)/script/log", encoding: .utf8)
            #expect(log.contains("hello, nobody"))
        }
    }

    @Test func aProgramThatEndsBeforeItIsReadyIsAnErrorWithItsLastWords() async throws {
        try await withTemporaryFolder { folder in
            let error = await #expect(throws: LocalStackError.self) {
                _ = try await PrivateProgram.start(
                    "script",
                    command: ["/bin/sh", "-c", "echo no room; exit 3"],
                    environment: [:],
                    in: "\(folder)/script",
                    readyMarker: "ready",
                    logger: testLogger()
                )
            }
            #expect(error?.code == .startFailed)
            #expect(error?.output.contains { $0.contains("no room") } == true)
        }
    }
}
