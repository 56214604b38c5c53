import NIOCore
import Testing

@testable import RedisClient

/// Transcripts: what happens, and what the connection is told to do. Completions are numbers. Times are in milliseconds.
@Suite struct ConnectionStateMachineTests {
    private typealias Machine = ConnectionStateMachine<Int>

    private func at(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(1) + .milliseconds(milliseconds) }

    private func machine(pending: Int = 10, needsPrimary: Bool = false) -> Machine {
        Machine(
            endpoint: "redis://test",
            needsPrimary: needsPrimary,
            limits: .init(
                pending: pending,
                lateReply: .milliseconds(1000),
                connect: .milliseconds(500),
                reconnect: Backoff(first: .milliseconds(20), limit: .milliseconds(100))
            )
        )
    }

    private func ready(pending: Int = 10) -> Machine {
        var machine = machine(pending: pending)
        #expect(start(&machine))
        guard case .logIn = machine.connected(commands: 1) else { preconditionFailure() }
        guard case .becomeReady = machine.received(.string("PONG")) else { preconditionFailure() }
        // The timer of the login.
        _ = machine.timerFired(now: at(0))
        return machine
    }

    // `#expect` cannot call what changes its subject.
    private func start(_ machine: inout Machine) -> Bool { machine.start(now: at(0)) }
    private func flush(_ machine: inout Machine) -> Bool { machine.flush() }
    private func hurry(_ machine: inout Machine) -> Bool { machine.hurry(now: at(5)) }
    private func requestClose(_ machine: inout Machine) -> Bool { machine.requestClose() }

    private func send(_ machine: inout Machine, _ number: Int, deadline: Int64, now: Int64 = 0) -> String {
        switch machine.send([number], deadline: at(deadline), now: at(now)) {
        case .write(let timer, let flush):
            "write" + (timer.map { " timer \(($0 - at(0)).nanoseconds / 1_000_000)" } ?? "") + (flush ? " flush" : "")
        case .refuse(let error): "refuse \(error.code)\(error.outcomeIsUnknown ? " unknown" : "")"
        }
    }

    private func receive(_ machine: inout Machine, _ reply: RESPValue = .string("OK")) -> String {
        switch machine.received(reply) {
        case .complete(let number): "complete \(number)"
        case .completeAndClose(let number): "complete \(number), close"
        case .drop: "drop"
        case .dropLate: "drop late"
        case .becomeReady(let id): "ready" + (id.map { " \($0)" } ?? "")
        case .lose(let error): "lose: \(error.code)"
        }
    }

    private func fire(_ machine: inout Machine, _ now: Int64) -> String {
        switch machine.timerFired(now: at(now)) {
        case .expire(let numbers, let timer):
            "expire \(numbers)" + (timer.map { " timer \(($0 - at(0)).nanoseconds / 1_000_000)" } ?? "")
        case .expireAndLose(let numbers, let error): "expire \(numbers), lose: \(error.code)"
        case .connect: "connect"
        case .expireAndClose(let numbers): "expire \(numbers), close"
        }
    }

    private func lose(_ machine: inout Machine, now: Int64, chance: Double = 1) -> String {
        let action = machine.lost(RedisError(.connectionLost, "reset"), now: at(now), chance: chance)
        return "written \(action.written) unwritten \(action.unwritten) failures \(action.failures)"
            + (action.timer.map { " timer \(($0 - at(0)).nanoseconds / 1_000_000)" } ?? "")
    }

    @Test func repliesAnswerInOrder() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 1000) == "write timer 1000 flush")
        #expect(send(&machine, 2, deadline: 1001) == "write")
        #expect(send(&machine, 3, deadline: 900) == "write timer 900")
        #expect(flush(&machine))
        #expect(!flush(&machine))
        #expect(receive(&machine) == "complete 1")
        #expect(receive(&machine, .error("ERR no")) == "complete 2")
        #expect(send(&machine, 4, deadline: 1500) == "write flush")
        #expect(receive(&machine) == "complete 3")
        #expect(machine.pendingCount == 1)
    }

    @Test func aReplyThatNothingAskedForEndsTheConnection() {
        var machine = ready()
        #expect(receive(&machine) == "lose: protocolViolation")
        // Nor may it answer what has not been written.
        machine = ready()
        #expect(send(&machine, 1, deadline: 1000) == "write timer 1000 flush")
        #expect(receive(&machine) == "lose: protocolViolation")
        #expect(lose(&machine, now: 0) == "written [] unwritten [1] failures 0 timer 20")
    }

    @Test func aLateReplyIsForNobody() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(send(&machine, 2, deadline: 3000) == "write")
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [1] timer 1100")
        #expect(send(&machine, 3, deadline: 3000, now: 100) == "write flush")
        #expect(flush(&machine))
        #expect(machine.pendingCount == 3)
        #expect(receive(&machine) == "drop late")
        #expect(receive(&machine) == "complete 2")
        #expect(receive(&machine) == "complete 3")
        #expect(fire(&machine, 1100) == "expire []")
    }

    @Test func theConnectionEndsWhenTheOldestTombstoneStaysSilent() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [1] timer 1100")
        #expect(send(&machine, 2, deadline: 1200, now: 200) == "write flush")
        #expect(flush(&machine))
        #expect(send(&machine, 3, deadline: 1200, now: 1099) == "write flush")
        #expect(fire(&machine, 1100) == "expire [], lose: connectionLost")
        #expect(lose(&machine, now: 1100) == "written [2] unwritten [3] failures 0 timer 1120")
        // The planned flush finds nothing.
        #expect(!flush(&machine))
    }

    @Test func aTombstoneBehindALongCommandWaitsForIt() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 9000) == "write timer 9000 flush")
        #expect(send(&machine, 2, deadline: 100) == "write timer 100")
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [2] timer 9000")
        #expect(fire(&machine, 5000) == "expire [] timer 9000")
        #expect(receive(&machine) == "complete 1")
        #expect(receive(&machine) == "drop late")
    }

    @Test func deadlinesCloseToEachOtherAreLookedAtTogether() {
        var machine = ready()
        let start = at(100)
        for number in 0..<5 {
            _ = machine.send([number], deadline: start + .microseconds(300 * Int64(number)), now: at(0))
        }
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [0] timer 101")
        #expect(fire(&machine, 101) == "expire [1, 2, 3] timer 102")
        #expect(fire(&machine, 102) == "expire [4] timer 1100")
    }

    @Test func tombstonesCountAsPending() {
        var machine = ready(pending: 2)
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(send(&machine, 2, deadline: 100) == "write")
        #expect(send(&machine, 3, deadline: 100) == "refuse pendingLimitReached")
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [1, 2] timer 1100")
        #expect(send(&machine, 4, deadline: 900, now: 100) == "refuse pendingLimitReached")
        #expect(receive(&machine) == "drop late")
        #expect(send(&machine, 5, deadline: 900, now: 100) == "write timer 900 flush")
    }

    @Test func aPipelineIsTakenWholeOrNotAtAll() {
        var machine = ready(pending: 3)
        #expect(send(&machine, 0, deadline: 1000) == "write timer 1000 flush")
        guard case .refuse(let error) = machine.send([1, 2, 3], deadline: at(1000), now: at(0)) else {
            preconditionFailure()
        }
        #expect(error.code == .pendingLimitReached)
        #expect(machine.pendingCount == 1)
    }

    @Test func aDeadlineThatHasPassedIsNotSent() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 5, now: 5) == "refuse deadlineExceeded")
        #expect(!flush(&machine))
    }

    @Test func nothingIsSentWithoutAConnection() {
        var machine = machine()
        #expect(send(&machine, 1, deadline: 9000) == "refuse notConnected")
        #expect(start(&machine))
        #expect(!start(&machine))
        #expect(send(&machine, 1, deadline: 9000) == "refuse notConnected")
        guard case .logIn(let timer) = machine.connected(commands: 3) else { preconditionFailure() }
        #expect(timer == at(500))
        #expect(send(&machine, 1, deadline: 9000) == "refuse notConnected")
        #expect(receive(&machine) == "drop")
        #expect(receive(&machine) == "drop")
        #expect(receive(&machine) == "ready")
        #expect(send(&machine, 1, deadline: 400) == "write timer 400 flush")
        #expect(lose(&machine, now: 10) == "written [] unwritten [1] failures 0 timer 30")
        #expect(send(&machine, 2, deadline: 9000) == "refuse notConnected")
        #expect(machine.absence.message == "not connected to redis://test: reset")
    }

    @Test func attemptsComeLessAndLessOften() {
        var machine = machine()
        #expect(start(&machine))
        var now: Int64 = 0
        for (failure, wait) in [20, 40, 80, 100, 100].enumerated() {
            let timer = now + Int64(wait)
            #expect(lose(&machine, now: now) == "written [] unwritten [] failures \(failure + 1) timer \(timer)")
            #expect(fire(&machine, timer - 1) == "expire [] timer \(timer)")
            #expect(fire(&machine, timer) == "connect")
            now = timer
        }
        #expect(lose(&machine, now: now, chance: 0) == "written [] unwritten [] failures 6 timer \(now + 50)")
        #expect(fire(&machine, now + 50) == "connect")
        // A login resets it.
        _ = machine.connected(commands: 1)
        #expect(receive(&machine) == "ready")
        _ = fire(&machine, now + 550)
        #expect(lose(&machine, now: now + 600) == "written [] unwritten [] failures 0 timer \(now + 620)")
    }

    @Test func aLoginEndsWithAnErrorOrInTime() {
        var machine = machine()
        #expect(start(&machine))
        _ = machine.connected(commands: 2)
        #expect(receive(&machine, .error("WRONGPASS invalid")) == "lose: serverError")
        // The time for it counts from the attempt's beginning, not from the channel's opening.
        machine = self.machine()
        #expect(start(&machine))
        _ = machine.connected(commands: 2)
        #expect(fire(&machine, 499) == "expire [] timer 500")
        #expect(fire(&machine, 500) == "expire [], lose: deadlineExceeded")
        #expect(lose(&machine, now: 500) == "written [] unwritten [] failures 1 timer 520")
    }

    @Test func aReplicaIsNoRedisToWorkWith() {
        var machine = machine(needsPrimary: true)
        #expect(start(&machine))
        _ = machine.connected(commands: 2)
        #expect(receive(&machine, .string("PONG")) == "drop")
        #expect(receive(&machine, .string("# Replication\r\nrole:slave\r\nmaster_replid:b\r\n")) == "lose: notConnected")
        #expect(lose(&machine, now: 0) == "written [] unwritten [] failures 1 timer 20")
        #expect(fire(&machine, 20) == "connect")
        _ = machine.connected(commands: 1)
        #expect(receive(&machine, .string("# Replication\r\nrole:master\r\nmaster_replid:a\r\n")) == "ready a")

        machine = self.machine(needsPrimary: true)
        #expect(start(&machine))
        _ = machine.connected(commands: 1)
        #expect(receive(&machine, .string("# Replication\r\n")) == "lose: protocolViolation")
    }

    @Test func newsOfThePrimaryEndAWait() {
        var machine = machine()
        #expect(start(&machine))
        #expect(!hurry(&machine), "it is under way")
        #expect(lose(&machine, now: 0) == "written [] unwritten [] failures 1 timer 20")
        #expect(hurry(&machine))
        #expect(!hurry(&machine))
        #expect(fire(&machine, 20) == "expire []")
        guard case .logIn(let timer) = machine.connected(commands: 1) else { preconditionFailure() }
        #expect(timer == at(505))
        #expect(receive(&machine) == "ready")
        #expect(!hurry(&machine))
    }

    @Test func closingWaitsForReplies() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(send(&machine, 2, deadline: 200) == "write")
        #expect(flush(&machine))
        #expect(!requestClose(&machine))
        #expect(send(&machine, 3, deadline: 100) == "refuse closed")
        #expect(fire(&machine, 100) == "expire [1] timer 200")
        #expect(receive(&machine) == "drop late")
        #expect(receive(&machine) == "complete 2, close")
        machine.close()
        #expect(machine.isClosed)
        #expect(send(&machine, 4, deadline: 100) == "refuse closed")
    }

    @Test func closingWaitsNoLongerThanTheDeadlines() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(flush(&machine))
        #expect(!requestClose(&machine))
        #expect(!requestClose(&machine))
        #expect(fire(&machine, 100) == "expire [1], close")
    }

    @Test func closingEndsWithTheConnection() {
        var machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(flush(&machine))
        #expect(!requestClose(&machine))
        #expect(lose(&machine, now: 0) == "written [1] unwritten [] failures 0")
        #expect(machine.isClosed)
    }

    @Test func closesAtOnceWhereNobodyWaits() {
        var machine = machine()
        #expect(requestClose(&machine))
        machine.close()
        #expect(!start(&machine))

        machine = self.machine()
        #expect(start(&machine))
        #expect(requestClose(&machine))
        machine.close()
        guard case .close = machine.connected(commands: 1) else { preconditionFailure() }
        #expect(lose(&machine, now: 0) == "written [] unwritten [] failures 0")

        // Only tombstones.
        machine = ready()
        #expect(send(&machine, 1, deadline: 100) == "write timer 100 flush")
        #expect(flush(&machine))
        #expect(fire(&machine, 100) == "expire [1] timer 1100")
        #expect(requestClose(&machine))
    }
}
