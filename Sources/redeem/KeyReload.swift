internal import Credentials
internal import Logging
internal import Persistence
internal import PostgresClient
internal import ServiceLifecycle
internal import UnixSignals

/// Reads the keys for access tokens again at each SIGHUP, so that they are replaced without a restart.
struct KeyReload: Service {
    let keys: TokenKeys
    /// Throws if the server must not use the keys with these ids.
    let check: @Sendable ([String]?) async throws -> Void
    /// Reads the settings again. A file may have changed; flags and the environment cannot.
    let settings: @Sendable () async throws -> Settings
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let reader = try await settings().reader
                let (signing, others) = (try ServiceKey.token(reader), try ServiceKey.otherTokenKeys(reader))
                do {
                    try await check(TokenKeys(signing: signing, others: others).ids)
                } catch let error as PostgresError {
                    logger.warning("the keys are not compared with the recorded ones", metadata: ["error": "\(error)"])
                }
                keys.replace(signing: signing, others: others)
                logger.notice(
                    "the keys for access tokens were read again",
                    metadata: ["keys": "\(keys.ids.joined(separator: ","))"]
                )
            } catch {
                logger.error(
                    "the keys for access tokens stay as they are",
                    metadata: ["error": "\("\(error)".replacing("\n", with: " "))"]
                )
            }
        }
    }
}
