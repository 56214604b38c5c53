import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Persistence
import PostgresClient
import Telemetry

// Every check of a password is throttled: that of a login, and that of a change of the password.
extension API {
    /// Checks a user's password. Each failed try counts, for the username and for the address.
    /// - Returns: the user's credentials.
    func authenticate(
        _ username: String,
        _ password: String,
        from address: String,
        _ context: APIContext
    ) async throws -> Credentials {
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
            context.logger.notice("a login was refused: too many failed", metadata: attempt.metadata)
            throw Problem(.tooManyLogins, retryAfter: rateLimit.retryAfter, rateLimit: rateLimit)
        }
        let credentials: Credentials?
        do {
            credentials = try await check(username, password, context)
        } catch {
            // The password was not found to be wrong, so the try does not count.
            await attempt.takeBack(context.logger)
            throw error
        }
        guard let credentials else {
            auth.logins.refused.increment(by: 1)
            context.logger.info("a login was refused: no user has this name and password", metadata: attempt.metadata)
            throw Problem(.invalidCredentials, rateLimit: rateLimit)
        }
        await attempt.takeBack(context.logger)
        return credentials
    }

    /// - Returns: the user's credentials; `nil`: no user has this name and password.
    private func check(_ username: String, _ password: String, _ context: APIContext) async throws -> Credentials? {
        // A name that cannot exist is looked up too, because the time of an answer must not tell which names exist.
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
}

/// One try to log in, as the throttle counts it.
private struct LoginAttempt: Sendable {
    /// The digest of the name that was typed. The name itself is not kept, since it may be a password.
    private let username: String
    private let address: String
    /// The address or the IPv6 network that counts as one client.
    let network: String
    private let throttle: LoginThrottle

    init(username: String, from address: String, throttle: LoginThrottle) {
        self.username = SHA256.digest(of: username).hex
        self.address = address
        network = IPAddress(address)?.network.description ?? address
        self.throttle = throttle
    }

    /// The fields of a line in the log.
    var metadata: Logger.Metadata { ["address": "\(address)", "name_digest": "\(username.prefix(16))"] }

    func begin() async throws -> LoginThrottle.Charge {
        try await throttle.charge(username: username, address: network)
    }

    /// If this fails, the try counts as a failed one. The user can bear that; the login must not fail because of it.
    func takeBack(_ logger: Logger) async {
        do {
            try await throttle.refund(username: username, address: network)
        } catch {
            logger.info("a login that did not fail counts as failed", metadata: ["error": "\(error)"])
        }
    }
}
