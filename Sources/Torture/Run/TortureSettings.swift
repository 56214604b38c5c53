internal import Domain
internal import Terminal

/// The checked options of `redeem-torture`.
struct TortureSettings: Sendable {
    /// `nil`: the run makes each fault once.
    var duration: Duration?
    var seed: UInt64 = 1
    var faults: [Fault] = Fault.allCases
    var mode = Durability.local
    /// Requests a second, of both servers together.
    var rate = 400.0
    var users = 2_000
    /// The folder that gets the processes' logs; `nil`: the logs are removed with the processes.
    var logs: String?

    /// The most requests that wait for a connection to a server that does not answer.
    static let waitingStarts = 5_000
    /// How long a client waits for an answer. This is longer than the service waits for Redis.
    static let requestTimeout: Duration = .seconds(3)
    static let connections = 16
    /// After a fault is healed, both servers must decide redemptions again within this time.
    static let openLimit: Duration = .seconds(60)
    /// How long the end of a run may take to send requests without an answer again and to drain the outbox.
    static let drainLimit: Duration = .seconds(120)

    var times: FaultSchedule.Times { duration == nil ? .short : .long }
}

extension TortureSettings {
    private static let minutesRange = 0.1...1440.0
    private static let rates = 1.0...20_000.0
    private static let userRange = 10...200_000
    /// So few users that all of them have soon logged in.
    private static let usersOnce = 300

    init(_ options: TortureOptions) throws {
        if options.once, options.minutes != nil {
            throw UsageError("--once and --minutes exclude each other", remedy: "give one of them")
        }
        let minutes = options.minutes ?? 10
        guard TortureSettings.minutesRange.contains(minutes) else {
            throw UsageError("--minutes \(minutes.text) is out of range", remedy: "use 0.1 to 1440")
        }
        duration = options.once ? nil : .seconds(minutes * 60)
        seed = options.seed
        faults = try options.faults.map(TortureSettings.faults) ?? Fault.allCases
        guard let mode = Durability(rawValue: options.mode) else {
            throw UsageError("--mode '\(options.mode)' is not known", remedy: "use \(Durability.list)")
        }
        self.mode = mode
        guard TortureSettings.rates.contains(options.rate) else {
            throw UsageError("--rate \(options.rate.text) is out of range", remedy: "use 1 to 20000 requests a second")
        }
        rate = options.rate
        let users = options.users ?? (options.once ? TortureSettings.usersOnce : self.users)
        guard TortureSettings.userRange.contains(users) else {
            throw UsageError("--users \(users) is out of range", remedy: "use 10 to 200000")
        }
        self.users = users
        logs = options.logs
    }

    /// Reads names between commas. A name that ends with `*` stands for all that begin like it, and one behind `^` is taken away.
    private static func faults(_ text: String) throws -> [Fault] {
        let words = text.split(separator: ",").map { $0.filter { $0 != " " } }
        var chosen: [Fault] = words.first?.hasPrefix("^") == true ? Fault.allCases : []
        for word in words {
            let isTaken = word.hasPrefix("^")
            let name = isTaken ? String(word.dropFirst()) : word
            let matching = Fault.allCases.filter { fault in
                name.hasSuffix("*") ? fault.rawValue.hasPrefix(name.dropLast()) : fault.rawValue == name
            }
            guard !matching.isEmpty else {
                throw UsageError("--faults: there is no fault '\(name)'", remedy: "see the list in: redeem-torture --help")
            }
            chosen.removeAll { matching.contains($0) }
            if !isTaken { chosen += matching }
        }
        guard !chosen.isEmpty else { throw UsageError("--faults '\(text)' leaves none", remedy: "name at least one") }
        return chosen
    }
}
