internal import ArgumentParser
internal import Domain

/// The flags of `redeem-torture` as they were given. `TortureSettings` checks them.
package struct TortureOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "How long load and faults last. (default: 10)")
    var minutes: Double?

    @Flag(help: "Each fault once and short, instead of --minutes.")
    var once = false

    @Option(parsing: .unconditional, help: "The same seed picks the same faults in the same order and the same requests.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Names from the list above, commas between: 'redis-*,sync-kill', or all but some: '^sync-stop'."))
    var faults: String?

    @Option(
        help: "\(Durability.allCases.map(\.rawValue).joined(separator: " or ")): what the servers promise, and what is checked."
    )
    var mode = Durability.local.rawValue

    @Option(parsing: .unconditional, help: "Requests a second, of both servers together.")
    var rate = 400.0

    @Option(parsing: .unconditional, help: "Users to create. (default: 2000; 300 with --once)")
    var users: Int?

    @Option(help: ArgumentHelp("Keep what the servers and workers have logged, one file a process.", valueName: "folder"))
    var logs: String?

    @Option(help: ArgumentHelp("Write all figures as JSON; - for standard output.", valueName: "file"))
    var json: String?

    package init() {}
}
