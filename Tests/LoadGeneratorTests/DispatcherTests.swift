import Testing

@testable import LoadGenerator

/// Each test is a transcript: what happened when, and what is to be done. Times are in milliseconds.
@Suite struct DispatcherTests {
    private struct Script {
        var dispatcher: Dispatcher

        init(_ pace: Pace, milliseconds: Int = 1000, connections: Int, waitingLimit: Int = 100) {
            dispatcher = Dispatcher(
                pace: pace,
                clock: RunClock(start: 1_000_000, warmup: .zero, duration: .milliseconds(milliseconds)),
                waitingLimit: waitingLimit,
                idle: 0..<connections
            )
        }

        /// All steps until there is nothing to send.
        mutating func steps(at millisecond: UInt64, _ supply: Dispatcher.Supply = .ready) -> [Dispatcher.Step] {
            var steps: [Dispatcher.Step] = []
            while true {
                let step = dispatcher.step(at: millisecond * 1_000_000, supply)
                steps.append(step)
                guard case .send = step else { return steps }
            }
        }
    }

    private func send(_ connection: Int, _ millisecond: UInt64) -> Dispatcher.Step {
        .send(connection: connection, intended: millisecond * 1_000_000)
    }

    private func sleep(_ millisecond: UInt64) -> Dispatcher.Step { .sleep(until: millisecond * 1_000_000) }

    private let thousand = Pace.open(rate: 1000, spacing: .constant)

    @Test func requestsStartByTheClockAndConnectionsTakeTurns() {
        var script = Script(thousand, connections: 3)
        #expect(script.steps(at: 0) == [sleep(1)])
        #expect(script.steps(at: 1) == [send(0, 1), sleep(2)])
        #expect(script.steps(at: 2) == [send(1, 2), sleep(3)])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 3) == [send(2, 3), sleep(4)])
        #expect(script.steps(at: 4) == [send(0, 4), sleep(5)])
    }

    @Test func aLateWakeUpSendsAllThatIsDueFromWhenItWasDue() {
        var script = Script(thousand, connections: 3)
        #expect(script.steps(at: 3) == [send(0, 1), send(1, 2), send(2, 3), sleep(4)])
    }

    /// The point of it all: what a stall kept from being sent is charged to the stall.
    @Test func aStallIsChargedWithAllThatWaitedForIt() {
        var script = Script(thousand, connections: 1, waitingLimit: 1000)
        #expect(script.steps(at: 1) == [send(0, 1), sleep(2)])
        #expect(script.steps(at: 2) == [.rest])
        // The answer comes after half a second.
        script.dispatcher.freed(0)
        #expect(script.steps(at: 501) == [send(0, 2), .rest])
        #expect(script.dispatcher.waitingCount == 499)
        script.dispatcher.freed(0)
        #expect(script.steps(at: 502) == [send(0, 3), .rest])
    }

    @Test func whatFindsNoRoomToWaitIsCountedAsNotSent() {
        var script = Script(thousand, connections: 1, waitingLimit: 10)
        #expect(script.steps(at: 1) == [send(0, 1), sleep(2)])
        #expect(script.steps(at: 31) == [.rest])
        #expect(script.dispatcher.waitingCount == 10)
        #expect(script.dispatcher.notSent == 20)
        // Those that came first are kept: they have the longest wait.
        script.dispatcher.freed(0)
        #expect(script.steps(at: 31) == [send(0, 2), .rest])
    }

    @Test func afterTheEndWhatWasDueIsStillSent() {
        var script = Script(thousand, milliseconds: 3, connections: 1)
        #expect(script.steps(at: 1) == [send(0, 1), sleep(2)])
        #expect(script.steps(at: 9) == [.rest])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 10) == [send(0, 2), .rest])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 11) == [send(0, 3), .done])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 12) == [.done])
        #expect(script.dispatcher.notSent == 0)
    }

    @Test func givingUpCountsWhatWaits() {
        var script = Script(thousand, milliseconds: 3, connections: 1)
        #expect(script.steps(at: 9) == [send(0, 1), .rest])
        script.dispatcher.stop(counting: true)
        #expect(script.steps(at: 9) == [.done])
        #expect(script.dispatcher.notSent == 2)
    }

    @Test func arrivalsWaitForARequestToo() {
        var script = Script(thousand, connections: 2)
        #expect(script.steps(at: 1, .waiting) == [.rest])
        #expect(script.steps(at: 2) == [send(0, 1), send(1, 2), sleep(3)])
    }

    @Test func whereThereAreNoMoreRequestsNothingIsMissing() {
        var script = Script(thousand, connections: 1)
        #expect(script.steps(at: 5) == [send(0, 1), .rest])
        #expect(script.steps(at: 6, .exhausted) == [.done])
        #expect(script.dispatcher.notSent == 0)
        #expect(script.dispatcher.waitingCount == 0)
    }

    @Test func aLostConnectionIsNotUsed() {
        var script = Script(thousand, connections: 2)
        script.dispatcher.lost(0)
        #expect(script.steps(at: 2) == [send(1, 1), .rest])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 2) == [send(0, 2), sleep(3)])
    }

    @Test func aClosedPaceStartsWithTheAnswer() {
        var script = Script(.closed, connections: 2)
        #expect(script.steps(at: 0) == [sleep(1)])
        #expect(script.steps(at: 1) == [send(0, 1), send(1, 1), .rest])
        #expect(script.steps(at: 500) == [.rest])
        script.dispatcher.freed(1)
        #expect(script.steps(at: 500) == [send(1, 500), .rest])
        script.dispatcher.freed(0)
        #expect(script.steps(at: 1001) == [.done])
    }
}
