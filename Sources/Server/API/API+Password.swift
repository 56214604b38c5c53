import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Persistence
import PostgresClient
import Telemetry

extension API {
    /// Changes the caller's password. All of their sessions end, and the caller gets a new one, as from a login.
    @Sendable func changePassword(_ request: Request, _ context: APIContext) async throws -> TokenResponse {
        let caller = try await caller(request)
        try Query.expectNone(request)
        let values = try await fields(request, "current_password", "new_password")
        let (current, new) = (values[0], values[1])
        try API.checkLength(of: current, "current_password")
        do {
            _ = try TextRule.password.read(new)
        } catch {
            throw Problem(member: "new_password", error)
        }
        guard let user = try await postgres.withConnection({ try $0.user(id: caller.user) }) else { throw Problem(.tokenInvalid) }
        let address = clientAddress(of: request, context)
        let credentials = try await authenticate(user.username, current, from: address, context)
        let hash: String
        do {
            hash = try await hasher.hash(new)
        } catch {
            context.logger.warning("a password was not hashed", metadata: ["reason": "\(error)"])
            throw Problem(.overloaded, retryAfter: hasher.retryAfterSeconds)
        }
        let version = try await postgres.withConnection { connection in
            try connection.setPasswordHash(of: user.id, to: hash, at: credentials.version, actor: API.actor(caller))
        }
        // The password was changed, or all sessions were ended, since the current password was found right.
        guard let version else { throw Problem(.invalidCredentials) }
        context.logger.info("a user changed their password", metadata: API.metadata(caller, address))
        do {
            let ended = try await hotPath.sessions.end(SessionRevocations([.userSessionsRevoked(user.id, below: version)]))
            auth.revoked.increment(by: Int64(ended))
        } catch {
            // The change is in the control log, so the shard's owner ends the sessions.
            context.logger.warning("sessions end when Redis is in reach", metadata: ["error": "\(error)"])
            throw Problem(.outcomeUnknown)
        }
        return try await begin(Credentials(user: user, passwordHash: hash, version: version), address, request, context)
    }

    /// Refuses a password that is too long to be hashed. Otherwise anybody could make the server hash long texts.
    static func checkLength(of password: String, _ member: String) throws(Problem) {
        guard password.utf8.count <= Limits.passwordBytes else {
            throw Problem(member: member, .tooLong(bytes: password.utf8.count, most: Limits.passwordBytes))
        }
    }

    /// The fields of a line in the log: who did something, and from where.
    static func metadata(_ caller: AccessToken, _ address: String) -> Logger.Metadata {
        metadata(caller.user, caller.session, address)
    }

    static func metadata(_ user: UserID, _ session: SessionID, _ address: String) -> Logger.Metadata {
        ["user": "\(user)", "session": "\(session)", "address": "\(address)"]
    }

    /// The caller's name in the control log.
    static func actor(_ caller: AccessToken) -> String { "user \(caller.user)" }
}
