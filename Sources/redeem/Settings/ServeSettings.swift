internal import Configuration
internal import HotPath
internal import Server
internal import Sync
internal import Terminal

/// All settings of a server but the addresses of its stores. `redeem doctor` reads them as `redeem serve` does.
struct ServeSettings {
    var server: ServerConfiguration
    let hotPath: HotPathLimits

    /// - Parameter warn: gets messages for the operator that do not keep the server from starting.
    init(_ settings: Settings, warn: (String) -> Void = Output.note) throws {
        server = try ServerConfiguration(settings.reader, warn: warn)
        hotPath = try HotPathLimits(settings.reader)
        let limit = try settings.shutdownLimit()
        guard server.shutdownDelay < limit else {
            throw UsageError(
                "REDEEM_SHUTDOWN_LIMIT_S is \(limit.components.seconds), and no longer than REDEEM_SHUTDOWN_DELAY_S",
                remedy: "give it some seconds more than the delay: for the requests under way"
            )
        }
    }
}

/// All settings of a worker but the addresses of its stores.
struct SyncSettings {
    let sync: SyncConfiguration
    /// The operations port; `nil`: the worker has none.
    let operations: (host: String, port: Int)?

    init(_ settings: Settings) throws {
        sync = try SyncConfiguration(settings.reader)
        let host = try settings.reader.operationsHost()
        operations = try settings.reader.count("sync.ops_port", in: 0...65_535).map { (host, $0) }
        _ = try settings.shutdownLimit()
    }
}

extension Settings {
    /// How long a stop may take before it cuts off what is under way.
    func shutdownLimit() throws -> Duration { try reader.seconds("shutdown.limit_s", in: 1...3600, default: .seconds(30)) }
}
