internal import Credentials
internal import Logging
internal import Persistence
internal import PostgresClient
internal import ServiceLifecycle

/// Ends a server whose keys are not those that the database has recorded: with another code key every code would be wrong, and
/// counted against its user; with other token keys it would refuse what the other servers sign, or go on taking what a leaked
/// key signs. It looks before anything is served and then again and again, since keys are replaced while servers run.
///
/// While Postgres does not answer nothing is known, and the server goes on: the sale does too.
struct KeyGuard: Service {
    let postgres: PostgresClient
    let codeKey: ServiceKey
    /// `nil`: the process made a key for itself, which is nobody else's.
    let tokenKeys: TokenKeys?
    let logger: Logger

    static let interval: Duration = .seconds(1)

    /// Throws `WrongServiceKey`, and what keeps the server from looking though Postgres answers.
    func checkAtStart() async throws {
        do {
            try await check(tokens: tokenKeys?.ids)
        } catch let error as PostgresError where error.isOutOfReach {
            logger.warning(
                "the keys are not compared with the recorded ones until Postgres answers",
                metadata: ["error": "\(error)"]
            )
        }
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: KeyGuard.interval) }
            } catch {
                return
            }
            do {
                try await check(tokens: tokenKeys?.ids)
            } catch let error as WrongServiceKey {
                logger.critical("this server has another key than the others, and ends", metadata: ["error": "\(error.problem)"])
                throw error
            } catch {
                logger.debug("the recorded keys cannot be asked for", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Throws `WrongServiceKey` where these would not do.
    func check(tokens ids: [String]?) async throws {
        let codeKeyID = codeKey.codeKeyID
        try await postgres.withConnection { connection in
            try connection.checkKey(.code, ids: [codeKeyID])
            if let ids { try connection.checkKey(.token, ids: ids) }
        }
    }
}

extension PostgresConnection {
    /// Throws `WrongServiceKey` where another key is recorded.
    func checkKey(_ name: ServiceKeyName, ids: [String]) throws {
        guard let recorded = try recordedKey(name), !ids.contains(recorded.id) else { return }
        throw WrongServiceKey(name, given: ids, recorded: recorded.id)
    }
}

extension PostgresError {
    /// Nobody answered, which may pass.
    var isOutOfReach: Bool {
        [.connectionFailed, .connectionLost, .acquireTimedOut, .tooManyWaiters].contains(code)
    }
}
