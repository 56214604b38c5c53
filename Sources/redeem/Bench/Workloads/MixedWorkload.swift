internal import LoadGenerator
internal import NIOCore

/// Several workloads, each as often as its weight says, in the same order for the same seed. A workload that waits for an answer
/// is passed over. The workloads are in the order of their kinds.
final class MixedWorkload: Workload {
    private let workloads: [any Workload]
    private let weights: [Int]
    private var random: SplitMix64

    init(_ workloads: [any Workload], weights: [Int], seed: UInt64, thread: Int) {
        precondition(workloads.count == weights.count)
        self.workloads = workloads
        self.weights = weights
        random = SplitMix64(seed: seed, sequence: thread)
    }

    var supply: WorkloadSupply {
        var supply = WorkloadSupply.exhausted
        for workload in workloads {
            switch workload.supply {
            case .ready: return .ready
            case .waiting: supply = .waiting
            case .exhausted: break
            }
        }
        return supply
    }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        var sum = 0
        for index in workloads.indices where workloads[index].supply == .ready { sum += weights[index] }
        var place = Int.random(in: 0..<sum, using: &random)
        for index in workloads.indices where workloads[index].supply == .ready {
            if place < weights[index] { return workloads[index].next(into: &buffer) }
            place -= weights[index]
        }
        preconditionFailure("a mix of \(workloads.count) workloads is asked for a request and has none")
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) { workloads[request.kind].ended(request, end) }
}
