import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Telemetry

extension API {
    /// Lists the caller's sessions, the newest first.
    @Sendable func listSessions(_ request: Request, _ context: APIContext) async throws -> SessionList {
        let caller = try await caller(request)
        try Query.expectNone(request)
        return try await sessionList(of: caller.user, current: caller.session)
    }

    /// Ends one session of the caller. A session of another user is answered as if it did not exist.
    @Sendable func endSession(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await caller(request)
        let ended = try await endSession(named: context.parameters.get("session"), of: caller.user)
        let metadata = API.metadata(caller, clientAddress(of: request, context))
        context.logger.info("a user ended a session", metadata: metadata.merging(["ended": "\(ended)"]) { $1 })
        return .noContent
    }

    @Sendable func endSessions(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await caller(request)
        let kept: SessionID?
        switch request.uri.query {
        case nil, "": kept = nil
        case "except=current": kept = caller.session
        // A parameter that is misspelt must not end the caller's own session too.
        case .some: throw Problem(.invalidParameter, "The only parameter is 'except', which can only be 'current'.")
        }
        let count = try await hotPath.sessions.revokeAll(of: caller.user, except: kept)
        auth.revoked.increment(by: Int64(count))
        let metadata = API.metadata(caller, clientAddress(of: request, context))
        context.logger.info("a user ended sessions", metadata: metadata.merging(["ended": "\(count)"]) { $1 })
        return .noContent
    }

    func sessionList(of user: UserID, current: SessionID?) async throws -> SessionList {
        let sessions = try await hotPath.sessions.list(of: user)
        return SessionList(sessions: sessions.map { SessionView($0, isCurrent: $0.id == current) })
    }

    /// - Returns: the session that was ended.
    func endSession(named text: String?, of user: UserID) async throws -> SessionID {
        guard let session = text.flatMap({ SessionID($0) }), try await hotPath.sessions.revoke(user: user, session: session)
        else { throw Problem(.sessionNotFound) }
        auth.revoked.increment(by: 1)
        return session
    }
}
