import Domain

/// The stable name of an error in the API, with its status and its texts. docs/API.md has an example of each.
enum ProblemCode: String, CaseIterable, Sendable {
    // The request
    case malformedRequest = "malformed_request"
    case invalidBody = "invalid_body"
    case invalidParameter = "invalid_parameter"
    case idempotencyKeyInvalid = "idempotency_key_invalid"
    case durabilityInvalid = "durability_invalid"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case requestTimeout = "request_timeout"
    case bodyTooLarge = "body_too_large"
    case unsupportedMediaType = "unsupported_media_type"
    case headersTooLarge = "headers_too_large"
    // The caller
    case invalidCredentials = "invalid_credentials"
    case tooManyLogins = "too_many_logins"
    case tokenInvalid = "token_invalid"
    case tokenExpired = "token_expired"
    case sessionRevoked = "session_revoked"
    case refreshTokenInvalid = "refresh_token_invalid"
    case refreshTokenReused = "refresh_token_reused"
    case forbidden
    case sessionNotFound = "session_not_found"
    case userNotFound = "user_not_found"
    // Redemptions
    case insufficientCredit = "insufficient_credit"
    case couponNotFound = "coupon_not_found"
    case redemptionNotFound = "redemption_not_found"
    case alreadyRedeemed = "already_redeemed"
    case soldOut = "sold_out"
    case couponNotStarted = "coupon_not_started"
    case couponPaused = "coupon_paused"
    case couponEnded = "coupon_ended"
    case wrongCode = "wrong_code"
    case tooManyAttempts = "too_many_attempts"
    // The service
    case `internal`
    case shardClosed = "shard_closed"
    case outcomeUnknown = "outcome_unknown"
    case redisUnavailable = "redis_unavailable"
    case ledgerUnavailable = "ledger_unavailable"
    case durabilityUnavailable = "durability_unavailable"
    case overloaded
    case backlogFull = "backlog_full"
    case notReady = "not_ready"

    var status: Int { row.0 }
    var title: String { row.1 }
    /// The detail of a problem that has no more particular one.
    var detail: String { row.2 }

    /// Its place in `allCases`.
    var index: Int { ProblemCode.indices[self] ?? 0 }

    private static let indices = Dictionary(uniqueKeysWithValues: zip(allCases, 0...))

    private var row: (Int, String, String) {
        switch self {
        case .malformedRequest: (400, "Malformed request", "This is not an HTTP/1.1 request.")
        case .invalidBody: (400, "Invalid body", "The body is not what this call takes.")
        case .invalidParameter: (400, "Invalid parameter", "A parameter in the query is not valid.")
        case .idempotencyKeyInvalid:
            (400, "Invalid Idempotency-Key", "An Idempotency-Key is one header of 1 to 128 visible ASCII characters.")
        case .durabilityInvalid:
            (400, "Invalid Durability", "The header Durability is one of \(Durability.list), and is there once.")
        case .notFound: (404, "Not found", "There is nothing at this path.")
        case .methodNotAllowed: (405, "Method not allowed", "The header Allow lists the methods of this path.")
        case .requestTimeout: (408, "Request timeout", "The request did not arrive in time.")
        case .bodyTooLarge: (413, "Body too large", "The body is larger than this call takes.")
        case .unsupportedMediaType: (415, "Unsupported media type", "The body must be application/json.")
        case .headersTooLarge: (431, "Headers too large", "The header fields are too many or too large.")
        case .invalidCredentials: (401, "Invalid credentials", "There is no user with this name and password.")
        case .tooManyLogins:
            (429, "Too many logins", "Too many logins failed for this name or from this address. Wait before the next one.")
        case .tokenInvalid: (401, "Invalid access token", "A valid access token is needed: Authorization: Bearer <token>.")
        case .tokenExpired: (401, "Access token expired", "Exchange the refresh token for a new access token.")
        case .sessionRevoked: (401, "Session revoked", "This login has ended. Log in again.")
        case .refreshTokenInvalid: (401, "Invalid refresh token", "The refresh token is not valid, or its login has ended.")
        case .refreshTokenReused:
            (401, "Refresh token reused", "The refresh token was exchanged before, so the login was ended. Log in again.")
        case .forbidden: (403, "Forbidden", "This needs a role that the user does not have.")
        case .sessionNotFound: (404, "Session not found", "The user has no session with this id.")
        case .userNotFound: (404, "User not found", "There is no user with this name.")
        case .insufficientCredit: (402, "Insufficient credit", "The coupon costs more credit than the user has.")
        case .couponNotFound: (404, "Coupon not found", "There is no coupon with this id.")
        case .redemptionNotFound: (404, "Redemption not found", "The user has no redemption with this id.")
        case .alreadyRedeemed: (409, "Already redeemed", "The user has redeemed this coupon before.")
        case .soldOut: (409, "Sold out", "Nothing is left of this coupon.")
        case .couponNotStarted: (409, "Coupon not started", "The sale of this coupon has not begun.")
        case .couponPaused: (409, "Coupon paused", "The sale of this coupon is paused.")
        case .couponEnded: (410, "Coupon ended", "The sale of this coupon has ended.")
        case .wrongCode: (422, "Wrong code", "This is not the code of a coupon that can be redeemed.")
        case .tooManyAttempts: (429, "Too many attempts", "Too many wrong codes were tried. Wait before the next try.")
        case .internal: (500, "Internal error", "The service failed to answer. The request id helps to find out why.")
        case .shardClosed: (503, "Closed for checking", "The service is checking its data and opens again by itself.")
        case .outcomeUnknown:
            (503, "Outcome unknown", "Repeat the request to learn what became of it; a redemption with the same Idempotency-Key.")
        case .redisUnavailable: (503, "Temporarily unavailable", "Nothing was changed. Try again.")
        case .ledgerUnavailable:
            (503, "Ledger unavailable", "The ledger cannot be read at present. Nothing was changed. Try again.")
        case .durabilityUnavailable:
            (503, "Durability unavailable", "The promised durability cannot be kept at present. Nothing was changed.")
        case .overloaded: (503, "Overloaded", "Too many requests are waiting. Nothing was changed. Try again.")
        case .backlogFull:
            (503, "Backlog full", "Too many redemptions wait to be stored. Nothing was changed. Try again later.")
        case .notReady: (503, "Not ready", "The service does not take requests at present.")
        }
    }

    /// Seconds after which to try again, unless the problem has a number of its own.
    var retryAfterSeconds: Int? {
        switch self {
        case .shardClosed, .outcomeUnknown, .redisUnavailable, .ledgerUnavailable, .overloaded, .notReady: 1
        case .durabilityUnavailable, .backlogFull: 10
        case .tooManyAttempts, .tooManyLogins: 60
        case .malformedRequest, .invalidBody, .invalidParameter, .idempotencyKeyInvalid, .durabilityInvalid, .notFound,
            .methodNotAllowed, .requestTimeout, .bodyTooLarge, .unsupportedMediaType, .headersTooLarge, .invalidCredentials,
            .tokenInvalid,
            .tokenExpired, .sessionRevoked, .refreshTokenInvalid, .refreshTokenReused, .forbidden, .sessionNotFound,
            .userNotFound, .insufficientCredit, .couponNotFound, .redemptionNotFound, .alreadyRedeemed, .soldOut,
            .couponNotStarted, .couponPaused, .couponEnded, .wrongCode, .internal:
            nil
        }
    }

    /// The value of `WWW-Authenticate`, which RFC 9110 demands with every 401. If the access token or its role is the cause, it
    /// names RFC 6750's error.
    var challenge: String? {
        switch self {
        case .tokenInvalid, .tokenExpired, .sessionRevoked:
            "Bearer realm=\"redeem\", error=\"invalid_token\", error_description=\"\(rawValue)\""
        case .invalidCredentials, .refreshTokenInvalid, .refreshTokenReused: "Bearer realm=\"redeem\""
        case .forbidden: "Bearer realm=\"redeem\", error=\"insufficient_scope\""
        case .malformedRequest, .invalidBody, .invalidParameter, .idempotencyKeyInvalid, .durabilityInvalid, .notFound,
            .methodNotAllowed, .requestTimeout, .bodyTooLarge, .unsupportedMediaType, .headersTooLarge, .tooManyLogins,
            .sessionNotFound, .userNotFound, .insufficientCredit, .couponNotFound, .redemptionNotFound, .alreadyRedeemed,
            .soldOut, .couponNotStarted, .couponPaused, .couponEnded, .wrongCode, .tooManyAttempts, .internal, .shardClosed,
            .outcomeUnknown, .redisUnavailable, .ledgerUnavailable, .durabilityUnavailable, .overloaded, .backlogFull, .notReady:
            nil
        }
    }
}
