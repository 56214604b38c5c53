import Hummingbird

/// The answer of `/readyz` while redemptions are decided.
struct ReadinessView: ResponseEncodable, Sendable {
    struct CheckView: Encodable, Sendable {
        enum Status: String, Encodable, Sendable {
            case ok
            /// It fails, and is not needed for redemptions.
            case degraded
        }

        let name: String
        let status: Status
        /// Absent from a check that is `ok`.
        let detail: String?

        init(_ check: StatusSampler.Check) {
            name = check.name
            status = check.fault == nil ? .ok : .degraded
            detail = check.fault
        }
    }

    let status = "ready"
    /// Absent unless the request has `?verbose`.
    let checks: [CheckView]?
}
