public import NIOCore

/// A request that a workload has just written.
public struct WorkloadRequest: Hashable, Sendable {
    /// Place in `LoadPlan.kinds`.
    public var kind: Int
    /// A number by which the workload knows the request again.
    public var tag: Int

    public init(kind: Int, tag: Int) {
        self.kind = kind
        self.tag = tag
    }
}

public enum WorkloadSupply: Hashable, Sendable {
    case ready
    /// Every further request depends on an answer that has not come.
    case waiting
    case exhausted
}

public enum WorkloadEnd {
    /// - Parameters:
    ///   - code: the text that `Workload.outcome` found.
    ///   - body: valid during the call.
    case answer(status: Int, code: UnsafeRawBufferPointer?, body: UnsafeRawBufferPointer)
    case failure(TransportFailure)
}

/// The requests of one thread. Only that thread uses it.
public protocol Workload: AnyObject {
    var supply: WorkloadSupply { get }
    /// Writes the next request, head and body, into the empty buffer. Called when `supply` is `ready`.
    func next(into buffer: inout ByteBuffer) -> WorkloadRequest
    /// The outcome that an answer is counted as; `nil`: its status. It is valid as long as the body is. The default is the `code`
    /// of a problem (RFC 9457).
    func outcome(status: Int, body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?
    /// Called once for each request.
    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd)
}

/// It is made once, since it is used for each answer.
private let problemCode = JSONMember("code")

extension Workload {
    public func outcome(status: Int, body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        status >= 400 ? problemCode.string(in: body) : nil
    }
}
