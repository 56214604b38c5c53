import Credentials
import Domain
import HotPath
import Hummingbird
import Logging
import Telemetry

extension API {
    /// Exchanges a refresh token for new tokens. A client that repeats the exchange within the grace gets the same successor
    /// again.
    @Sendable func refresh(_ request: Request, _ context: APIContext) async throws -> TokenResponse {
        let text = try await fields(request, "refresh_token")[0]
        guard let presented = refreshTokens.read(text) else { throw refused(nil, request, context) }
        let next = refreshTokens.successor(of: presented)
        let reply = try await hotPath.sessions.refresh(
            user: presented.user,
            session: presented.session,
            presented: presented.digest,
            next: NextRefreshToken(digest: next.token.digest, sealed: next.sealed),
            sessionLimits
        )
        switch reply {
        case .rotated(let role):
            auth.refreshes.rotated.increment(by: 1)
            return tokens(next.token, role)
        case .repeated(let role, let sealed):
            guard let current = refreshTokens.open(sealed, with: presented) else {
                context.logger.error("a session's sealed token cannot be opened", metadata: ["session": "\(presented.session)"])
                throw Problem(.internal)
            }
            auth.refreshes.repeated.increment(by: 1)
            return tokens(current, role)
        case .sessionNotFound: throw refused(presented, request, context)
        case .reused:
            auth.refreshes.reused.increment(by: 1)
            auth.revoked.increment(by: 1)
            context.logger.warning(
                "a refresh token was used again after its successor, so its session was ended",
                metadata: [
                    "user": "\(presented.user)", "session": "\(presented.session)",
                    "address": "\(clientAddress(of: request, context))",
                ]
            )
            throw Problem(.refreshTokenReused)
        }
    }

    /// Ends the session of the access token, at once and everywhere.
    @Sendable func logOut(_ request: Request, _ context: APIContext) async throws -> Response {
        let caller = try await caller(request)
        try await end(caller.user, caller.session, request, context)
        return .noContent
    }

    /// Ends the session that a token of either kind belongs to (RFC 7009). The token is proof enough. A token that is not valid
    /// is answered like any other.
    @Sendable func revoke(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let type = request.only(.contentType), MediaType.isForm(type) else {
            throw Problem(.unsupportedMediaType, "The body must be application/x-www-form-urlencoded.")
        }
        let body = try await request.body.collect(upTo: limits.bodyBytes)
        let form: FormFields
        do {
            form = try FormFields(body.readableBytesView)
        } catch {
            throw API.invalidRequest(error.detail)
        }
        guard let text = form["token"] else { throw API.invalidRequest("The parameter 'token' is missing.") }
        // `token_type_hint` is not needed: the form of a token tells its kind.
        if let token = refreshTokens.read(text) {
            try await end(token.user, token.session, request, context)
        } else if let token = verifier.token(text) {
            try await end(token.user, token.session, request, context)
        }
        return Response(status: .ok, headers: [.cacheControl: "no-store"])
    }

    /// A problem with the member that RFC 7009, section 2.2.1, asks for.
    private static func invalidRequest(_ detail: String) -> Problem {
        Problem(.invalidBody, detail, member: Problem.Member(name: "error", value: "invalid_request"))
    }

    private func end(_ user: UserID, _ session: SessionID, _ request: Request, _ context: APIContext) async throws {
        guard try await hotPath.sessions.revoke(user: user, session: session) else { return }
        auth.revoked.increment(by: 1)
        context.logger.info("logged out", metadata: API.metadata(user, session, clientAddress(of: request, context)))
    }

    private func refused(_ token: RefreshToken?, _ request: Request, _ context: APIContext) -> Problem {
        auth.refreshes.invalid.increment(by: 1)
        let address = clientAddress(of: request, context)
        context.logger.info(
            "a refresh token was refused",
            metadata: token.map { API.metadata($0.user, $0.session, address) } ?? ["address": "\(address)"]
        )
        return Problem(.refreshTokenInvalid)
    }
}

extension Response {
    static var noContent: Response { Response(status: .noContent) }
}
