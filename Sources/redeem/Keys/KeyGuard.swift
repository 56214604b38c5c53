internal import Credentials
internal import Logging
internal import Persistence
internal import PostgresClient
internal import ServiceLifecycle

/// Ends a server whose keys are not the recorded ones. With another code key every code would be wrong, and would count against
/// its user. With other token keys the server would refuse what the other servers sign, or accept what a leaked key signs. Keys
/// may be replaced while servers run, so it looks before anything is served and then again and again.
///
/// While Postgres does not answer the recorded keys are unknown, and the server goes on so that the sale does.
struct KeyGuard: Service {
    let postgres: PostgresClient
    let codeKey: ServiceKey
    /// `nil` if the process made a key for itself, which no other process has.
    let tokenKeys: TokenKeys?
    let logger: Logger

    static let interval: Duration = .seconds(1)

    /// Throws `WrongServiceKey`, or the error of a Postgres that answers but cannot be asked.
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

    /// Throws `WrongServiceKey` if other keys than these are recorded.
    func check(tokens ids: [String]?) async throws {
        let codeKeyID = codeKey.codeKeyID
        try await postgres.withConnection { connection in
            try connection.checkKey(.code, ids: [codeKeyID])
            if let ids { try connection.checkKey(.token, ids: ids) }
        }
    }
}

extension PostgresConnection {
    /// Throws `WrongServiceKey` if another key is recorded.
    func checkKey(_ name: ServiceKeyName, ids: [String]) throws {
        guard let recorded = try recordedKey(name), !ids.contains(recorded.id) else { return }
        throw WrongServiceKey(name, given: ids, recorded: recorded.id)
    }
}

extension PostgresError {
    /// Whether nobody answered, which may pass.
    var isOutOfReach: Bool {
        [.connectionFailed, .connectionLost, .acquireTimedOut, .tooManyWaiters].contains(code)
    }
}
