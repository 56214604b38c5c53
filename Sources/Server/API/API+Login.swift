import Credentials
import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Logging
import Persistence
import PostgresClient
import Telemetry

extension API {
    /// Bytes of the `User-Agent` that are kept with a session.
    private static let userAgentBytes = 200

    @Sendable func logIn(_ request: Request, _ context: APIContext) async throws -> TokenResponse {
        let values = try await fields(request, "username", "password")
        let (username, password) = (values[0], values[1])
        try API.checkLength(of: password, "password")
        // The rules for passwords are not applied: this one is only compared, with one that may be older than the rules.
        if let control = TextFault.control(in: username) { throw Problem(member: "username", control) }
        let address = clientAddress(of: request, context)
        let credentials = try await authenticate(username, password, from: address, context)
        let response = try await begin(credentials, address, request, context)
        auth.logins.accepted.increment(by: 1)
        return response
    }

    /// Begins a session.
    /// - Returns: its tokens.
    func begin(
        _ credentials: Credentials,
        _ address: String,
        _ request: Request,
        _ context: APIContext
    ) async throws -> TokenResponse {
        let user = credentials.user
        let session = SessionID.new()
        let refresh = refreshTokens.issue(user: user.id, session: session)
        let new = NewSession(
            id: session,
            user: user.id,
            role: user.role,
            version: credentials.version,
            refreshDigest: refresh.digest,
            device: String(decoding: (request.headers[.userAgent] ?? "").utf8.prefix(API.userAgentBytes), as: UTF8.self),
            address: address
        )
        guard try await hotPath.sessions.create(new, sessionLimits) == .created else { throw Problem(.overloaded) }
        // Since the check, the password may have been changed, or all sessions ended, by a call that could not see this session
        // yet. From here on such a call sees it.
        do {
            guard try await postgres.withConnection({ try $0.isCurrent(credentials) }) else { throw Problem(.invalidCredentials) }
        } catch {
            try await hotPath.sessions.revoke(user: user.id, session: session)
            throw (error as? PostgresError)?.isLockTimeout == true ? Problem(.overloaded) : error
        }
        context.logger.info("logged in", metadata: API.metadata(user.id, session, address))
        // The user is loaded now, so that the first redemption need not do it. If this fails, the first redemption loads the
        // user.
        switch await users.load(user.id) {
        case .loaded: break
        case .unknown: context.logger.info("a user is gone right after the login")
        case .failed(let problem):
            context.logger.info("a user was not loaded at login", metadata: ["reason": "\(problem.code.rawValue)"])
        }
        return tokens(refresh, user.role, user: user)
    }

    /// The answer to a login or a refresh.
    /// - Parameter user: the user, in the answer to a login only.
    func tokens(_ refresh: RefreshToken, _ role: Role, user: User? = nil) -> TokenResponse {
        TokenResponse(
            accessToken: signer.sign(user: refresh.user, session: refresh.session, role: role),
            expiresIn: signer.lifetimeSeconds,
            refreshToken: refresh.secretText,
            session: refresh.session,
            user: user.map(UserView.init)
        )
    }

    func clientAddress(of request: Request, _ context: APIContext) -> String {
        trustedProxies.client(peer: context.remoteAddress, forwarded: request.headers[values: .forwardedFor])
    }
}
