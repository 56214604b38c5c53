import HotPath

/// The rates that a request counted against, as its answer tells them in the header fields `RateLimit-Policy` and `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers-10).
struct RateLimit: Hashable, Sendable {
    struct Rate: Hashable, Sendable {
        let name: String
        let state: RateState
    }

    let rates: [Rate]

    init(_ charge: LoginThrottle.Charge) {
        rates = [Rate(name: "username", state: charge.username), Rate(name: "address", state: charge.address)]
    }

    /// `q`: the number that a rate lets through when it is unused; `w`: the seconds in which all of it comes back.
    var policy: String {
        list { "\"\($0.name)\";q=\($0.state.burst);w=\($0.state.window.wholeSeconds)" }
    }

    /// `r`: the number that is left; `t`: the seconds until all of it is back.
    var remaining: String {
        list { "\"\($0.name)\";r=\($0.state.remaining);t=\($0.state.reset.wholeSeconds)" }
    }

    /// Seconds after which all of them let one more through.
    var retryAfter: Int { rates.map(\.state.retry.wholeSeconds).max() ?? 0 }

    private func list(_ item: (Rate) -> String) -> String { rates.map(item).joined(separator: ", ") }
}

extension Duration {
    /// The seconds, rounded up.
    fileprivate var wholeSeconds: Int { Int(components.seconds) + (components.attoseconds > 0 ? 1 : 0) }
}
