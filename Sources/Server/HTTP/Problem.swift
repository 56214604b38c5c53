import Domain

/// An error as a client gets it, `application/problem+json` (RFC 9457). It is thrown where the error is found.
struct Problem: Error, Hashable, Sendable {
    let code: ProblemCode
    /// A more particular text than the code's. It never quotes another system: such texts are for the log.
    var detail: String?
    /// Seconds.
    var retryAfter: Int?
    /// The value of `WWW-Authenticate`.
    var challenge: String?
    /// The methods that the path has.
    var allow: String?
    /// The rates that the request counted against.
    var rateLimit: RateLimit?
    /// One more member. Its value is always text.
    var member: Member?

    struct Member: Hashable, Sendable {
        let name: String
        let value: String
    }

    static let mediaType = "application/problem+json"

    init(
        _ code: ProblemCode,
        _ detail: String? = nil,
        retryAfter: Int? = nil,
        challenge: String? = nil,
        allow: String? = nil,
        rateLimit: RateLimit? = nil,
        member: Member? = nil
    ) {
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter ?? code.retryAfterSeconds
        self.challenge = challenge ?? code.challenge
        self.allow = allow
        self.rateLimit = rateLimit
        self.member = member
    }

    /// The fault of a text in a body.
    init(member: String, _ fault: TextFault) {
        self.init(.invalidBody, "The member '\(member)' \(fault.words).")
    }

    /// The header fields that the problem adds to those of every answer.
    func forEachHeader(_ body: (_ name: String, _ value: String) -> Void) {
        body("Cache-Control", "no-store")
        if let challenge { body("WWW-Authenticate", challenge) }
        if let retryAfter { body("Retry-After", String(retryAfter)) }
        if let allow { body("Allow", allow) }
        if let rateLimit {
            body("RateLimit-Policy", rateLimit.policy)
            body("RateLimit", rateLimit.remaining)
        }
    }

    func body(requestID: String) -> String {
        guard detail == nil, member == nil else { return particularBody(requestID: requestID) }
        // Most refusals of a sale have one of a few bodies, so all of a body but the request's id is made once.
        return "\(Problem.beginnings[code.index])\(requestID)\"}"
    }

    private static let beginnings = ProblemCode.allCases.map { code in
        String(Problem(code, code.detail).particularBody(requestID: "").dropLast(2))
    }

    private func particularBody(requestID: String) -> String {
        JSONWriter.object { json in
            json.member("type", "/problems/\(code.rawValue)")
            json.member("title", code.title)
            json.member("status", code.status)
            json.member("code", code.rawValue)
            json.member("detail", detail ?? code.detail)
            if let member { json.member(member.name, member.value) }
            json.member("request_id", requestID)
        }
    }
}
