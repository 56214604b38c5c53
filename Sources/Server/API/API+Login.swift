import Domain
import HTTPTypes
import HotPath
import Hummingbird
import Logging
import Persistence

extension API {
    /// Bytes of the client's name that are kept with a session.
    private static let userAgentBytes = 200

    @Sendable func logIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let values = try await fields(request, "username", "password")
        let (username, password) = (values[0], values[1])
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Problem(member: "password", .tooLong(bytes: password.utf8.count, most: Limits.passwordBytes))
        }
        // Of a password nothing more is asked: it is only compared, with one that may be older than today's rules.
        if let control = TextFault.control(in: username) { throw Problem(member: "username", control) }
        let address = clientAddress(of: request, context)
        let attempt = LoginAttempt(username: username, from: address, throttle: throttle)
        guard loginGate.enter(attempt.network) else {
            auth.logins.overloaded.increment(by: 1)
            throw Problem(.overloaded, retryAfter: hasher.retryAfterSeconds)
        }
        defer { loginGate.leave(attempt.network) }
        let charge = try await attempt.begin()
        let rateLimit = RateLimit(charge)
        guard charge.isAllowed else {
            auth.logins.throttled.increment(by: 1)
            context.logger.notice(
                "a login was refused: too many failed",
                metadata: attempt.metadata
            )
            throw Problem(.tooManyLogins, retryAfter: rateLimit.retryAfter, rateLimit: rateLimit)
        }
        let credentials: Credentials?
        do {
            credentials = try await check(username, password, context)
        } catch {
            // No password was found wrong.
            await attempt.takeBack(context.logger)
            throw error
        }
        guard let credentials else {
            auth.logins.refused.increment(by: 1)
            context.logger.info(
                "a login was refused: no user has this name and password",
                metadata: attempt.metadata
            )
            throw Problem(.invalidCredentials, rateLimit: rateLimit)
        }
        await attempt.takeBack(context.logger)
        let response = try await begin(credentials, address, request, context)
        auth.logins.accepted.increment(by: 1)
        return response
    }

    /// `nil`: there is no such user with this password.
    private func check(_ username: String, _ password: String, _ context: APIContext) async throws -> Credentials? {
        // A name that cannot exist is looked up too: an answer must not tell by its time which names do.
        let found = try await postgres.withConnection { try $0.credentials(of: username) }
        do {
            switch try await hasher.check(password, against: found?.passwordHash) {
            case .wrong: return nil
            case .right: break
            case .outdated(let replacement):
                if let found { await replaceHash(of: found, with: replacement, context.logger) }
            }
        } catch {
            auth.logins.overloaded.increment(by: 1)
            context.logger.warning("a password was not checked", metadata: ["reason": "\(error)"])
            throw Problem(.overloaded, retryAfter: hasher.retryAfterSeconds)
        }
        return found
    }

    /// Stores the password's hash at today's cost. If that fails, the next login tries it again.
    private func replaceHash(of found: Credentials, with replacement: String, _ logger: Logger) async {
        do {
            _ = try await postgres.withConnection { connection in
                try connection.replacePasswordHash(of: found.user.id, from: found.passwordHash, to: replacement)
            }
        } catch {
            logger.info("a password's hash was not renewed", metadata: ["user": "\(found.user.id)", "error": "\(error)"])
        }
    }

    private func begin(
        _ credentials: Credentials,
        _ address: String,
        _ request: Request,
        _ context: APIContext
    ) async throws -> Response {
        let user = credentials.user
        let session = SessionID(uuid: UUIDv7(milliseconds: UInt64(Timestamp.now().milliseconds)))
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
        // The password may have been changed, or all sessions ended, since it was checked, by somebody who could not see this
        // session yet. From here on they can.
        do {
            guard try await postgres.withConnection({ try $0.isCurrent(credentials) }) else { throw Problem(.invalidCredentials) }
        } catch {
            try await hotPath.sessions.revoke(user: user.id, session: session)
            throw (error as? PostgresError)?.isLockTimeout == true ? Problem(.overloaded) : error
        }
        // So that the first redemption need not. If it fails, the first redemption will.
        switch await users.load(user.id) {
        case .loaded: break
        case .unknown: context.logger.info("a user is gone right after the login")
        case .failed(let problem):
            context.logger.info("a user was not loaded at login", metadata: ["reason": "\(problem.code.rawValue)"])
        }
        return .json(tokens(refresh, user.role, user: user))
    }

    /// The answer to a login or a refresh.
    /// - Parameter user: named in the answer to a login only.
    func tokens(_ refresh: RefreshToken, _ role: Role, user: User? = nil) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("access_token", signer.sign(user: refresh.user, session: refresh.session, role: role))
            json.member("token_type", "Bearer")
            json.member("expires_in", signer.lifetimeSeconds)
            json.member("refresh_token", refresh.secretText)
            json.member("session", refresh.session.description)
            if let user {
                json.name("user")
                json.user(user)
            }
        }
        return json.text
    }

    func clientAddress(of request: Request, _ context: APIContext) -> String {
        trustedProxies.client(peer: context.remoteAddress, forwarded: request.headers[values: .forwardedFor])
    }
}

/// One try to log in, as the throttle counts it.
private struct LoginAttempt: Sendable {
    /// A digest of it: the name that was typed may be a password.
    private let username: String
    private let address: String
    /// What counts as one client.
    let network: String
    private let throttle: LoginThrottle

    init(username: String, from address: String, throttle: LoginThrottle) {
        self.username = SHA256.digest(of: username).hex
        self.address = address
        network = IPAddress(address)?.network.description ?? address
        self.throttle = throttle
    }

    /// For the log.
    var metadata: Logger.Metadata { ["address": "\(address)", "name_digest": "\(username.prefix(16))"] }

    func begin() async throws -> LoginThrottle.Charge {
        try await throttle.charge(username: username, address: network)
    }

    /// Where this fails, the try counts as a failed one: the user can bear that, and the login is not to fail for it.
    func takeBack(_ logger: Logger) async {
        do {
            try await throttle.refund(username: username, address: network)
        } catch {
            logger.info("a login that did not fail counts as failed", metadata: ["error": "\(error)"])
        }
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
