import Synchronization

/// Whether this process should be sent requests: whether it decides redemptions. What else fails is no reason to send them
/// nowhere.
final class Readiness: Sendable {
    private let sampler: StatusSampler
    private let durability: DurabilityGuard
    private let isStopping = Atomic<Bool>(false)

    init(sampler: StatusSampler, durability: DurabilityGuard) {
        self.sampler = sampler
        self.durability = durability
    }

    /// From now on not ready, for good.
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
