import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Persistence
import PostgresClient
import Telemetry

// Operators' calls on the sessions of others. A call that ends many writes to the control log before it ends any. If the server
// dies in between, the shard's owner ends them. A single session is ended directly, as its user would end it.
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

    /// Ends all sessions of all users that began before a moment.
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

    /// The caller, who must be an operator. `caller` has checked that the role in the token is that of the session.
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

    /// Ends in Redis the sessions that the control log has revoked. The answer does not tell how many there were, because the
    /// shard's owner may have ended some first.
    private func end(
        _ revocations: SessionRevocations,
        _ caller: AccessToken,
        _ context: APIContext,
        _ metadata: Logger.Metadata
    ) async throws -> Response {
        do {
            auth.revoked.increment(by: Int64(try await hotPath.sessions.end(revocations)))
        } catch {
            // The shard's owner will end them, at a time that is not known here.
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
