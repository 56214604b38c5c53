public import NIOCore

/// What a workload makes of its next turn.
public struct WorkloadRequest: Hashable, Sendable {
    /// Place in `LoadPlan.kinds`.
    public var kind: Int
    /// The workload's own name for it.
    public var tag: Int

    public init(kind: Int, tag: Int) {
        self.kind = kind
        self.tag = tag
    }
}

public enum WorkloadSupply: Hashable, Sendable {
    case ready
    /// All depend on an answer that has not come.
    case waiting
    case exhausted
}

public enum WorkloadEnd {
    /// - Parameters:
    ///   - code: of the problem that the body is.
    ///   - body: valid during the call.
    case answer(status: Int, code: UnsafeRawBufferPointer?, body: UnsafeRawBufferPointer)
    case failure(TransportFailure)
}

/// The requests of one thread, which alone uses it.
public protocol Workload: AnyObject {
    var supply: WorkloadSupply { get }
    /// Writes the next request, head and body, into the empty buffer. Called when `supply` is `ready`.
    func next(into buffer: inout ByteBuffer) -> WorkloadRequest
    /// Called once for each request.
    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd)
}
