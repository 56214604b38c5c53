import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Persistence
import PostgresClient
import Telemetry

// What operators do with the sessions of others. It is in the control log before anything is ended, so a server that dies in
// between has still ended them: the shard's owner does it then. One session is ended directly, as its user would.
extension API {
    @Sendable func adminListSessions(_ request: Request, _ context: APIContext) async throws -> SessionList {
        _ = try await administrator(request, context)
        try Query.expectNone(request)
        return try await sessionList(of: try await user(context), current: nil)
    }

    @Sendable func adminEndSession(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await administrator(request, context)
        let user = try await user(context)
        let ended = try await endSession(named: context.parameters.get("session"), of: user)
        context.logger.notice(
            "an operator ended a session",
            metadata: ["operator": "\(caller.user)", "user": "\(user)", "ended": "\(ended)"]
        )
        return .noContent
    }

    @Sendable func adminEndSessions(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await administrator(request, context)
        try Query.expectNone(request)
        let user = try await user(context)
        let version = try await postgres.withConnection { try $0.revokeSessions(of: user, actor: API.actor(caller)) }
        guard let version else { throw Problem(.userNotFound) }
        let revocations = SessionRevocations([.userSessionsRevoked(user, below: version)])
        return try await end(revocations, caller, context, ["user": "\(user)"])
    }

    /// Everybody's, of those that began before a moment.
    @Sendable func adminEndAllSessions(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await administrator(request, context)
        let query = try Query(request, knows: ["issued_before"], "it takes 'issued_before'")
        guard let moment = query["issued_before"].flatMap({ Timestamp(rfc3339: $0) }) else {
            throw Problem(.invalidParameter, "The parameter 'issued_before' must be a moment such as 2030-06-01T10:00:00Z.")
        }
        guard moment <= .now() else {
            throw Problem(.invalidParameter, "The parameter 'issued_before' must not be in the future.")
        }
        try await postgres.withConnection { try $0.revokeSessions(before: moment, actor: API.actor(caller)) }
        let revocations = SessionRevocations([.sessionsRevoked(before: moment)])
        return try await end(revocations, caller, context, ["issued_before": "\(moment.rfc3339)"])
    }

    /// The caller, who must be an operator. `caller` has seen that the role in the token is that of the login.
    private func administrator(_ request: Request, _ context: APIContext) async throws -> AccessToken {
        let caller = try await caller(request)
        guard caller.role == .admin else {
            let metadata = API.metadata(caller, clientAddress(of: request, context))
            context.logger.info(
                "an operators' call was refused",
                metadata: metadata.merging(["method": "\(request.method)", "path": "\(request.uri.path)"]) { $1 }
            )
            throw Problem(.forbidden)
        }
        return caller
    }

    private func user(_ context: APIContext) async throws -> UserID {
        let username = context.parameters.get("username").flatMap(PercentEncoding.decode) ?? ""
        guard let user = try await postgres.withConnection({ try $0.user(username: username) }) else {
            throw Problem(.userNotFound)
        }
        return user.id
    }

    /// Ends in Redis what the control log has. How many there were is not told: the shard's owner may have been faster with some.
    private func end(
        _ revocations: SessionRevocations,
        _ caller: AccessToken,
        _ context: APIContext,
        _ metadata: Logger.Metadata
    ) async throws -> Response {
        do {
            auth.revoked.increment(by: Int64(try await hotPath.sessions.end(revocations)))
        } catch {
            // The owner will do it, but when is not known here.
            context.logger.warning("sessions end when Redis is in reach", metadata: ["error": "\(error)"])
            throw Problem(.outcomeUnknown)
        }
        context.logger.notice(
            "an operator ended sessions",
            metadata: metadata.merging(["operator": "\(caller.user)"]) { $1 }
        )
        return .noContent
    }
}
