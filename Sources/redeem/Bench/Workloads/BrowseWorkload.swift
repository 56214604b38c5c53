internal import LoadGenerator
internal import NIOCore

/// People who look how much of a coupon is left.
final class BrowseWorkload: Workload {
    private let head: RequestHead
    private let kind: Int

    init(coupon: String, host: String, kind: Int) {
        head = RequestHead("GET", "/v1/coupons/\(coupon)", host: host)
        self.kind = kind
    }

    var supply: WorkloadSupply { .ready }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        head.write(into: &buffer)
        buffer.writeStaticString("\r\n")
        return WorkloadRequest(kind: kind, tag: 0)
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}
}
