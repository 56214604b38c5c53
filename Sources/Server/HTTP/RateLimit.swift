import HotPath

/// What an answer says of the rates that its request counted against: the header fields `RateLimit-Policy` and `RateLimit`
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

    /// `q`: what a rate lets through when unused; `w`: within so many seconds.
    var policy: String {
        list { "\"\($0.name)\";q=\($0.state.burst);w=\($0.state.window.wholeSeconds)" }
    }

    /// `r`: what is left; `t`: seconds until all of it is back.
    var remaining: String {
        list { "\"\($0.name)\";r=\($0.state.remaining);t=\($0.state.reset.wholeSeconds)" }
    }

    /// Seconds after which all of them let one more through.
    var retryAfter: Int { rates.map(\.state.retry.wholeSeconds).max() ?? 0 }

    private func list(_ item: (Rate) -> String) -> String { rates.map(item).joined(separator: ", ") }
}

extension Duration {
    /// Rounded up.
    fileprivate var wholeSeconds: Int { Int(components.seconds) + (components.attoseconds > 0 ? 1 : 0) }
}
