import Glibc
import TestSupport

/// Runs tasks one job at a time on one thread, when it is told to, and chooses by chance which of those that could run is next.
///
/// All of it happens on the thread that made it, which is why nothing here is locked.
final class StepExecutor: TaskExecutor, @unchecked Sendable {
    private var ready: [UnownedJob] = []
    private var random: SeededGenerator
    private let thread = pthread_self()

    /// Jobs after which tasks that still do not wait for anything never will.
    private static let jobLimit = 100_000

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    func enqueue(_ job: consuming ExecutorJob) {
        precondition(pthread_equal(thread, pthread_self()) != 0, "a simulated task was woken from outside of the simulation")
        ready.append(UnownedJob(job))
    }

    /// Runs until every task waits for something. False: a task goes round in circles.
    func run() -> Bool {
        for _ in 0..<StepExecutor.jobLimit {
            guard !ready.isEmpty else { return true }
            let job = ready.remove(at: ready.count == 1 ? 0 : Int.random(in: 0..<ready.count, using: &random))
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        return false
    }
}
