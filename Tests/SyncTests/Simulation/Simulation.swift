import RedisClient
import TestSupport

@testable import HotPath

/// A process of the service: what it sent may take effect after its death, and nothing reaches it while it is stopped.
///
/// Used on the simulation's thread.
final class SimulatedProcess: @unchecked Sendable {
    let name: String
    var isStopped = false
    var isDead = false
    /// Of its connections to Redis.
    var generation = 0

    init(_ name: String) { self.name = name }
}

/// A request on its way: sent, then carried out by the server in one or more parts, then answered. Between any two of these
/// anything else may happen, and each of them may never happen.
final class Call {
    enum Target {
        case redis(ReplicationID)
        case postgres(SimulatedPostgresConnection)
        /// A sleep.
        case clock
    }

    let number: Int
    let process: SimulatedProcess
    let target: Target
    let text: String
    /// Milliseconds: until then `isReady` decides, afterwards it is carried out in any case. `nil`: at once.
    let wake: Int?
    let isReady: () -> Bool
    /// Carries out a part. Whether that was the last.
    let step: () -> Bool
    let answer: () -> Void
    let fail: (_ outcomeIsUnknown: Bool) -> Void
    /// Milliseconds: on its way until then, there and back.
    let arrival: Int
    var isCarriedOut = false
    /// The process that sent it has an answer, or is dead.
    var isAnswered = false

    init(
        number: Int,
        process: SimulatedProcess,
        target: Target,
        text: String,
        wake: Int?,
        arrival: Int,
        isReady: @escaping () -> Bool,
        step: @escaping () -> Bool,
        answer: @escaping () -> Void,
        fail: @escaping (_ outcomeIsUnknown: Bool) -> Void
    ) {
        self.number = number
        self.process = process
        self.target = target
        self.text = text
        self.wake = wake
        self.arrival = arrival
        self.isReady = isReady
        self.step = step
        self.answer = answer
        self.fail = fail
    }
}

/// Time, chance, and what is under way. One thread uses it.
final class Simulation: @unchecked Sendable {
    var random: SeededGenerator
    let executor: StepExecutor
    /// Milliseconds since the beginning.
    private(set) var now = 0
    let origin = ContinuousClock.now
    private(set) var calls: [Call] = []
    private var lastNumber = 0
    /// What was done, if it is to be told.
    var trace: [String]?
    private(set) var violation: String?
    private(set) var steps = 0

    let redis: SimulatedRedis
    let postgres = SimulatedPostgres()

    init(seed: UInt64, isTracing: Bool) {
        random = SeededGenerator(seed: seed)
        executor = StepExecutor(seed: ~seed)
        trace = isTracing ? [] : nil
        redis = SimulatedRedis()
        redis.time = { [unowned self] in SimulatedRedis.start + now }
        postgres.violate = { [unowned self] in violate($0) }
    }

    func note(_ text: @autoclosure () -> String) { trace?.append("\(steps) \(now) ms: \(text())") }

    func violate(_ text: String) {
        note("VIOLATION: \(text)")
        if violation == nil { violation = text }
    }

    // MARK: Calls

    func send(
        _ process: SimulatedProcess,
        _ target: Call.Target,
        _ text: @autoclosure () -> String,
        wakeAfter wait: Int? = nil,
        isReady: @escaping () -> Bool = { true },
        step: @escaping () -> Bool,
        answer: @escaping () -> Void,
        fail: @escaping (Bool) -> Void
    ) {
        guard !process.isDead else { return fail(false) }
        lastNumber += 1
        let call = Call(
            number: lastNumber,
            process: process,
            target: target,
            text: trace == nil ? "" : text(),
            wake: wait.map { now + $0 },
            arrival: random.chance(3) ? now + Int.random(in: 1...3_000, using: &random) : now,
            isReady: isReady,
            step: step,
            answer: answer,
            fail: fail
        )
        note("\(process.name) sends \(call.number): \(call.text)")
        calls.append(call)
    }

    /// Gives the process that waits for it an error. What was not carried out still may be, unless it is dropped.
    func lose(_ call: Call, isDropped: Bool) {
        if !call.isAnswered {
            call.isAnswered = true
            note("\(call.process.name) is not told of \(call.number)\(isDropped ? ", which is dropped" : "")")
            call.fail(true)
        }
        if isDropped { call.isCarriedOut = true }
        forgetFinished()
    }

    private func forgetFinished() {
        let finished = calls.filter { $0.isCarriedOut && $0.isAnswered }
        guard !finished.isEmpty else { return }
        calls.removeAll { $0.isCarriedOut && $0.isAnswered }
        for call in finished { if case .postgres(let connection) = call.target { connection.finished() } }
    }

    // MARK: Steps

    /// One step of what is under way. Whether there was any.
    func step() -> Bool {
        run()
        steps += 1
        // Time passes beside work now and then, and always where nothing else can happen.
        let candidates = calls.indices.filter { canGoOn(calls[$0]) }
        guard !candidates.isEmpty, !random.chance(8) else {
            guard passTime() else { return !candidates.isEmpty }
            return true
        }
        goOn(calls[candidates[Int.random(in: 0..<candidates.count, using: &random)]])
        run()
        return true
    }

    /// Lets every task do what it can without an answer.
    func run() { if !executor.run() { violate("a task goes round in circles") } }

    private func canGoOn(_ call: Call) -> Bool {
        if call.arrival > now { return false }
        if call.isCarriedOut { return !call.isAnswered && !call.process.isStopped }
        switch call.target {
        case .redis(let id): if !redis.isUp || id != redis.id { return false }
        case .postgres(let connection): if !connection.isNext(call) { return false }
        case .clock: if call.process.isStopped { return false }
        }
        return call.isReady() || call.wake.map { $0 <= now } ?? false
    }

    private func goOn(_ call: Call) {
        guard call.isCarriedOut else {
            repeat { call.isCarriedOut = call.step() } while !call.isCarriedOut && random.chance(60)
            note("\(call.number) is carried out\(call.isCarriedOut ? "" : " in part"): \(call.text)")
            if case .clock = call.target, !call.isAnswered { answer(call) } else { forgetFinished() }
            return
        }
        note("\(call.process.name) is told of \(call.number)")
        answer(call)
    }

    private func answer(_ call: Call) {
        precondition(!call.isAnswered, "answered twice")
        call.isAnswered = true
        call.answer()
        forgetFinished()
    }

    /// To the next moment at which something happens by itself.
    private func passTime() -> Bool {
        let moments = calls.flatMap { $0.isCarriedOut ? [] : [$0.arrival, $0.wake ?? now] }.filter { $0 > now }
        guard let next = moments.min() else { return false }
        now = next
        return true
    }
}

extension Simulation {
    static func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }

    /// A sleep of a process. Ends when the task is cancelled.
    func sleep(_ process: SimulatedProcess, _ duration: Duration) async {
        let milliseconds = Simulation.milliseconds(duration)
        let flag = Flag()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                send(
                    process,
                    .clock,
                    "sleep \(milliseconds)",
                    wakeAfter: milliseconds,
                    isReady: { flag.isSet },
                    step: { true },
                    answer: { continuation.resume() },
                    fail: { _ in continuation.resume() }
                )
            }
        } onCancel: {
            flag.isSet = true
        }
    }
}

/// Set and read on the simulation's thread.
final class Flag: @unchecked Sendable {
    var isSet = false
}
