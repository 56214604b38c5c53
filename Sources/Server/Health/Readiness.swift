import Synchronization

/// Tells whether this process should be sent requests. It should as long as it decides redemptions: if something else fails,
/// other processes are no better.
final class Readiness: Sendable {
    private let sampler: StatusSampler
    private let durability: DurabilityGuard
    private let isStopping = Atomic<Bool>(false)

    init(sampler: StatusSampler, durability: DurabilityGuard) {
        self.sampler = sampler
        self.durability = durability
    }

    /// Makes the process not ready, for good.
    func stop() { isStopping.store(true, ordering: .relaxed) }

    func checks() async -> [StatusSampler.Check] {
        let isStopping = isStopping.load(ordering: .relaxed)
        let own = [
            StatusSampler.Check(name: "process", fault: isStopping ? "shutting down" : nil),
            StatusSampler.Check(name: "durability", fault: durability.reason),
        ]
        // A process that stops need not ask anybody.
        return isStopping ? own : own + (await sampler.checks())
    }
}
