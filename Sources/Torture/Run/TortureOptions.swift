internal import ArgumentParser
internal import Domain

/// The flags of `redeem-torture` as they were given. `TortureSettings` checks them.
package struct TortureOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "How long load and faults last. (default: 10)")
    var minutes: Double?

    @Flag(help: "Make each fault once and for a short time, instead of --minutes.")
    var once = false

    @Option(parsing: .unconditional, help: "The same seed picks the same faults in the same order and the same requests.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Names from the list above, separated by commas: 'redis-*,sync-kill', or all but some: '^sync-stop'."
        )
    )
    var faults: String?

    @Option(
        help:
            "\(Durability.allCases.map(\.rawValue).joined(separator: " or ")): what servers promise and the checker expects."
    )
    var mode = Durability.local.rawValue

    @Option(parsing: .unconditional, help: "Requests a second, of both servers together.")
    var rate = 400.0

    @Option(parsing: .unconditional, help: "Users to create. (default: 2000; 300 with --once)")
    var users: Int?

    @Option(
        help: ArgumentHelp("Keep the logs of servers and workers, one file for each start of a process.", valueName: "folder")
    )
    var logs: String?

    @Option(help: ArgumentHelp("Write all figures as JSON; - for standard output.", valueName: "file"))
    var json: String?

    package init() {}
}
