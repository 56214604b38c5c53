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
    ///   - code: what `Workload.outcome` made of it.
    ///   - body: valid during the call.
    case answer(status: Int, code: UnsafeRawBufferPointer?, body: UnsafeRawBufferPointer)
    case failure(TransportFailure)
}

/// The requests of one thread, which alone uses it.
public protocol Workload: AnyObject {
    var supply: WorkloadSupply { get }
    /// Writes the next request, head and body, into the empty buffer. Called when `supply` is `ready`.
    func next(into buffer: inout ByteBuffer) -> WorkloadRequest
    /// What an answer is counted as, valid as long as its body is; `nil`: its status. The default is the `code` of a problem
    /// (RFC 9457).
    func outcome(status: Int, body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?
    /// Called once for each request.
    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd)
}

/// Made once: a workload is asked for each answer.
private let problemCode = JSONMember("code")

extension Workload {
    public func outcome(status: Int, body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        status >= 400 ? problemCode.string(in: body) : nil
    }
}
