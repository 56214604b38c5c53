package import Logging
import Synchronization

/// A whole Redeem in processes of its own, beside stores that already run: schema and keys, then workers, then servers. Each
/// process finds the stores by its settings alone.
package final class WholeRedeem: Sendable {
    private let program: String
    private let folder: String
    private let settings: [String: String]
    private let logger: Logger
    private let made = Mutex<[ServiceProcess]>([])

    /// - Parameters:
    ///   - program: the path of `redeem`.
    ///   - folder: gets a folder with the log of each start of a process.
    ///   - settings: values for all processes, by the names of their variables.
    package init(program: String, folder: String, settings: [String: String], logger: Logger) {
        self.program = program
        self.folder = folder
        self.settings = settings
        self.logger = logger
    }

    /// Brings the schema up to the program's version, and records the keys.
    package func migrate() async throws {
        try await PrivateProgram.runRedeem(program: program, command: ["migrate"], settings: settings)
    }

    /// A worker that is not started yet. Its start returns when it has looked at the shard, which it may have to rebuild or
    /// another worker may own.
    /// - Parameter own: settings that only this process has.
    package func worker(_ name: String = "sync", settings own: [String: String] = [:]) -> ServiceProcess {
        make(name, ["sync"], readyMarker: "the shard", own)
    }

    /// A server that is not started yet. It takes ports that are free.
    /// - Parameter own: settings that only this process has.
    package func server(_ name: String = "serve", settings own: [String: String] = [:]) -> ServiceProcess {
        make(name, ["serve", "--port", "0", "--ops-port", "0"], readyMarker: "ready http", own)
    }

    /// Stops every process, the last made first. So servers stop before the workers that carry on their decisions.
    package func stop() async {
        for process in made.withLock({ $0 }).reversed() { await process.stop() }
    }

    private func make(_ name: String, _ command: [String], readyMarker: String, _ own: [String: String]) -> ServiceProcess {
        let process = ServiceProcess(
            name,
            program: program,
            command: command,
            readyMarker: readyMarker,
            settings: settings.merging(own) { $1 },
            folder: folder,
            logger: logger
        )
        made.withLock { $0.append(process) }
        return process
    }
}
