import Credentials
import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Logging
import NIOCore
import Persistence
import PostgresClient

/// The calls of the API off the hot path. Each is a method, and each subject has a file.
struct API: Sendable {
    let hotPath: HotPath
    let postgres: PostgresClient
    let hasher: PasswordHasher
    let signer: AccessTokenSigner
    let verifier: AccessTokenVerifier
    let judge: RedemptionJudge
    let refreshTokens: RefreshTokens
    let sessionLimits: SessionLimits
    let throttle: LoginThrottle
    let loginGate: LoginGate
    let trustedProxies: TrustedProxies
    let limits: ServerLimits
    let users: UserLoader
    let coupons: CouponCache
    let codes: CodeIndex
    let loops: LoopDirectory
    let metrics: HTTPMetrics
    let auth: AuthMetrics

    var routes: [APIRoute] {
        [
            APIRoute(.post, "/v1/auth/login", logIn),
            APIRoute(.post, "/v1/auth/refresh", refresh),
            APIRoute(.post, "/v1/auth/logout", logOut),
            APIRoute(.post, "/v1/auth/revoke", revoke),
            APIRoute(.get, "/v1/auth/sessions", listSessions),
            APIRoute(.delete, "/v1/auth/sessions", endSessions),
            APIRoute(.delete, "/v1/auth/sessions/{session}", endSession),
            APIRoute(.get, "/v1/me", me),
            APIRoute(.post, "/v1/me/password", changePassword),
            APIRoute(.get, "/v1/me/redemptions", myRedemptions),
            APIRoute(.get, "/v1/coupons", listCoupons),
            APIRoute(.get, "/v1/coupons/{coupon}", showCoupon),
            APIRoute(.post, "/v1/coupons/{coupon}/redemptions", redeemCoupon),
            APIRoute(.post, "/v1/redemptions", redeemByCode),
            APIRoute(.get, "/v1/redemptions/{redemption}", showRedemption),
            APIRoute(.get, "/v1/admin/users/{username}/sessions", adminListSessions),
            APIRoute(.delete, "/v1/admin/users/{username}/sessions", adminEndSessions),
            APIRoute(.delete, "/v1/admin/users/{username}/sessions/{session}", adminEndSession),
            APIRoute(.delete, "/v1/admin/sessions", adminEndAllSessions),
            APIRoute(.get, "/problems/{code}", explainProblem),
        ]
    }

    /// The caller, by the access token. Throws a problem if the token is not valid or its session has ended.
    func caller(_ request: Request) async throws -> AccessToken {
        let fields = request.headers[values: .authorization]
        let token = try verifier.caller(authorization: fields.first, times: fields.count)
        try await requireSession(of: token)
        return token
    }

    /// Throws a problem unless the token's session exists and has the user and role that the token names.
    func requireSession(of token: AccessToken) async throws {
        let isLive: Bool
        do {
            isLive = try await hotPath.sessions.isLive(token.session, of: token.user, as: token.role)
        } catch {
            throw Problem(read: error)
        }
        guard isLive else { throw Problem(.sessionRevoked) }
    }

    /// The values of string members of a JSON body, in the order of the arguments.
    func fields(_ request: Request, _ first: StaticString, _ second: StaticString? = nil) async throws -> [String] {
        guard request.isJSON else { throw Problem(.unsupportedMediaType) }
        let body = try await request.body.collect(upTo: limits.bodyBytes)
        do {
            return try body.withUnsafeReadableBytes { bytes in
                let values =
                    if let second { try RequestFields.read(bytes, first, second) } else { try RequestFields.read(bytes, first) }
                return values.map { String(decoding: $0, as: UTF8.self) }
            }
        } catch let failure as RequestFields.Failure {
            throw Problem(.invalidBody, failure.detail)
        }
    }

    /// Loads a user into Redis. Throws a problem if that fails.
    func load(_ user: UserID) async throws {
        switch await users.load(user) {
        case .loaded: return
        case .unknown: throw Problem(.tokenInvalid)
        case .failed(let problem): throw problem
        }
    }
}
