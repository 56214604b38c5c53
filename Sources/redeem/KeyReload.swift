internal import Logging
internal import Server
internal import ServiceLifecycle
internal import UnixSignals

/// Reads the keys for access tokens again at each SIGHUP, so that they are replaced without a restart.
struct KeyReload: Service {
    let keys: TokenKeys
    /// The settings as they are now: files change, flags and the environment do not.
    let settings: @Sendable () async throws -> Settings
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try keys.replace(try await settings().reader)
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
