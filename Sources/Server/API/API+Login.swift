import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Logging
import Persistence

extension API {
    /// Bytes of the client's name that are kept with a session.
    private static let deviceBytes = 200

    @Sendable func logIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let values = try await fields(request, "username", "password")
        let (username, password) = (values[0], values[1])
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Problem(.invalidBody, "The member 'password' is longer than \(Limits.passwordBytes) bytes.")
        }
        // A name that cannot exist is looked up too: an answer must not tell by its time which names do.
        let found = try await postgres.withConnection { try $0.user(username: username) }
        do {
            guard try await hasher.verify(password, against: found?.passwordHash), let user = found?.user else {
                logins.refused.increment(by: 1)
                throw Problem(.invalidCredentials)
            }
            let response = try await begin(user, request, context)
            logins.accepted.increment(by: 1)
            return response
        } catch let failure as PasswordHasher.Failure {
            logins.overloaded.increment(by: 1)
            context.logger.warning("a password was not checked", metadata: ["reason": "\(failure)"])
            throw Problem(.overloaded, retryAfter: hasher.retryAfterSeconds)
        }
    }

    private func begin(_ user: User, _ request: Request, _ context: APIContext) async throws -> Response {
        let session = SessionID(uuid: UUIDv7(milliseconds: UInt64(Timestamp.now().milliseconds)))
        let refresh = RefreshToken(user: user.id, session: session)
        let new = NewSession(
            id: session,
            user: user.id,
            role: user.role,
            username: user.username,
            refreshDigest: refresh.digest,
            device: String(decoding: (request.headers[.userAgent] ?? "").utf8.prefix(API.deviceBytes), as: UTF8.self),
            address: context.remoteAddress
        )
        _ = try await hotPath.sessions.create(new, idleLifetime: sessionIdleLifetime)
        // So that the first redemption need not. If it fails, the first redemption will.
        switch await users.load(user.id) {
        case .loaded: break
        case .unknown: context.logger.info("a user is gone right after the login")
        case .failed(let problem):
            context.logger.info("a user was not loaded at login", metadata: ["reason": "\(problem.code.rawValue)"])
        }
        return .json(tokens(user.id, session, user.role, refresh, user: user))
    }

    /// Exchanges a refresh token for new tokens. The old one is worth nothing afterwards.
    @Sendable func refresh(_ request: Request, _ context: APIContext) async throws -> Response {
        let text = try await fields(request, "refresh_token")[0]
        guard let presented = RefreshToken(text) else { throw Problem(.refreshTokenInvalid) }
        let next = RefreshToken(user: presented.user, session: presented.session)
        let reply = try await hotPath.sessions.refresh(
            user: presented.user,
            session: presented.session,
            presented: presented.digest,
            next: next.digest,
            idleLifetime: sessionIdleLifetime
        )
        switch reply {
        case .rotated(let role, _): return .json(tokens(presented.user, presented.session, role, next, user: nil))
        case .sessionNotFound: throw Problem(.refreshTokenInvalid)
        case .reused:
            context.logger.warning(
                "a refresh token was used twice, so its session was ended",
                metadata: ["user": "\(presented.user)", "session": "\(presented.session)"]
            )
            throw Problem(.refreshTokenReused)
        }
    }

    /// Ends the login that the access token belongs to, at once and everywhere.
    @Sendable func logOut(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await caller(request)
        try await hotPath.sessions.revoke(user: caller.user, session: caller.session)
        return Response(status: .noContent)
    }

    private func tokens(_ id: UserID, _ session: SessionID, _ role: Role, _ refresh: RefreshToken, user: User?) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("access_token", signer.sign(user: id, session: session, role: role))
            json.member("token_type", "Bearer")
            json.member("expires_in", signer.lifetimeSeconds)
            json.member("refresh_token", refresh.secretText)
            json.member("session", session.description)
            if let user {
                json.name("user")
                json.user(user)
            }
        }
        return json.text
    }
}

extension JSONWriter {
    mutating func user(_ user: User) {
        object { json in
            json.member("id", user.id.description)
            json.member("username", user.username)
            json.member("name", user.name)
            json.member("role", user.role.rawValue)
        }
    }
}

/// Logins by how they ended.
struct LoginMetrics: Sendable {
    let accepted: CounterCell
    let refused: CounterCell
    let overloaded: CounterCell

    init(registry: PrometheusRegistry) {
        accepted = registry.counter(MetricHelp.logins, [("outcome", "accepted")])
        refused = registry.counter(MetricHelp.logins, [("outcome", "refused")])
        overloaded = registry.counter(MetricHelp.logins, [("outcome", "overloaded")])
    }
}
