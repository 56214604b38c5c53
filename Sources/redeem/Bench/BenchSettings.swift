internal import Domain
internal import Foundation
internal import LoadGenerator
internal import Terminal

/// The checked options of `redeem bench`.
struct BenchSettings: Sendable {
    enum Place: Sendable {
        case url(HTTPAddress)
        case local
    }

    let scenario: Scenario
    let mix: Mix
    let place: Place
    /// `nil` if no address is https.
    let tls: TargetTLS?
    let pace: Pace
    let duration: Duration
    let warmup: Duration
    let timeout: Duration
    let connections: Int
    let threads: Int
    let seed: UInt64
    let hasKeys: Bool
    let users: Int
    let stock: Int
    let durability: Durability
    /// An earlier run to compare with.
    let baseline: BenchBaseline?
    let conditions: [FailCondition]

    private static let rates = 0.1...1_000_000
    private static let connectionLimit = 50_000
    private static let threadLimit = 64
    private static let durations: ClosedRange<Duration> = .milliseconds(100)...(.seconds(86_400))
    /// More would not fit into a private Redis and Postgres on a laptop.
    private static let userLimit = 5_000_000
    /// The most users that are made unless --users asks for more.
    private static let usersUnasked = 1_000_000
    /// Users of a closed loop, whose number of requests nobody knows beforehand.
    private static let usersOfClosedLoop = 200_000

    init(_ options: BenchOptions) throws {
        scenario = options.scenario
        if options.mix != nil, scenario != .mixed {
            throw UsageError("--mix is for the scenario mixed, and this is \(scenario.rawValue)", remedy: "leave --mix away")
        }
        mix = scenario.mix(try options.mix.map { try Mix($0) })
        switch (options.url, options.local) {
        case (let url?, false): place = .url(try HTTPAddress(url, of: "--url"))
        case (nil, true): place = .local
        case (nil, false):
            throw UsageError("there is nothing to load", remedy: "give --url http://host:port, or --local")
        case (.some, true): throw UsageError("--url and --local exclude each other", remedy: "give one of them")
        }
        tls = try BenchSettings.tls(options)
        if options.closed, let rate = options.rate {
            throw UsageError("--closed has no rate, and --rate is \(rate)", remedy: "give one of them")
        }
        let rate = options.rate ?? scenario.defaultRate
        guard BenchSettings.rates.contains(rate) else {
            throw UsageError("--rate \(rate.text) is out of range", remedy: "use 0.1 to 1000000 requests a second")
        }
        pace = options.closed ? .closed : .open(rate: rate, spacing: options.poisson ? .poisson(seed: options.seed) : .constant)
        duration = try Duration(text: options.duration, of: "--duration", in: BenchSettings.durations)
        warmup = try Duration(text: options.warmup, of: "--warmup", in: .zero ... .seconds(3600))
        timeout = try Duration(text: options.timeout, of: "--timeout", in: .milliseconds(100)...(.seconds(120)))
        connections = try BenchSettings.count(options.connections, "--connections", 1...BenchSettings.connectionLimit)
        threads = try BenchSettings.count(options.threads, "--threads", 1...BenchSettings.threadLimit)
        guard connections >= threads else {
            throw UsageError(
                "--connections \(connections) is less than --threads \(threads)",
                remedy: "each thread needs a connection"
            )
        }
        seed = options.seed
        hasKeys = options.idempotencyKeys
        // The baseline is read before the run, which may write to the same file.
        let baseline = try options.baseline.map { try BenchBaseline(file: $0) }
        self.baseline = baseline
        conditions = try options.failIf.map { try BenchSettings.condition($0, besideBaseline: baseline != nil) }
        durability = try BenchSettings.durability(options.durability)
        let asked = BenchSettings.usersAsked(scenario, pace, (warmup + duration).seconds)
        users = try BenchSettings.count(options.users ?? asked, "--users", 1...BenchSettings.userLimit)
        stock = try BenchSettings.count(
            options.stock ?? (scenario == .storm ? max(1, users / 50) : users),
            "--stock",
            0...Limits.amount
        )
        try BenchSettings.refuse(options)
    }

    /// The users that the scenario needs.
    private static func usersAsked(_ scenario: Scenario, _ pace: Pace, _ seconds: Double) -> Int {
        switch scenario {
        case .redeem:
            switch pace {
            case .open(let rate, _): min(usersUnasked, Int((rate * seconds).rounded(.up)))
            case .closed: usersOfClosedLoop
            }
        case .storm, .mixed: 50_000
        case .refresh: 20_000
        case .repeated, .login: 2_000
        // A replay needs --url, and its users are there.
        case .replay: 1
        }
    }

    private static func count(_ value: Int, _ flag: String, _ range: ClosedRange<Int>) throws -> Int {
        guard range.contains(value) else {
            throw UsageError(
                "\(flag) \(value) is out of range",
                remedy: "use \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    private static func durability(_ text: String?) throws -> Durability {
        guard let text else { return .local }
        guard let durability = Durability(rawValue: text) else {
            throw UsageError("--durability '\(text)' is not known", remedy: "use \(Durability.list)")
        }
        guard durability != .replicated else {
            throw UsageError(
                "--durability replicated: the Redis of --local has no replica",
                remedy: "give --url, or another mode"
            )
        }
        return durability
    }

    private static func tls(_ options: BenchOptions) throws -> TargetTLS? {
        let trust: [(flag: String, isGiven: Bool)] = [("--ca", options.authority != nil), ("--insecure", options.isInsecure)]
        if trust.allSatisfy(\.isGiven) {
            throw UsageError("--ca and --insecure exclude each other", remedy: "give one of them")
        }
        let addresses = try [(options.url, "--url"), (options.opsURL, "--ops-url")].compactMap { text, flag in
            try text.map { try HTTPAddress($0, of: flag) }
        }
        guard addresses.contains(where: \.isTLS) else {
            guard let given = trust.first(where: \.isGiven) else { return nil }
            throw UsageError(
                "\(given.flag) is for https, and there is no https URL",
                remedy: "leave it away, or give --url https://…"
            )
        }
        return try TargetTLS(authority: options.authority, isInsecure: options.isInsecure)
    }

    private static func condition(_ text: String, besideBaseline: Bool) throws -> FailCondition {
        do throws(FailCondition.Invalid) {
            return try FailCondition(text, besideBaseline: besideBaseline)
        } catch {
            throw UsageError("--fail-if: \(error.problem)", remedy: error.remedy)
        }
    }

    /// Refuses flags that would have no effect.
    private static func refuse(_ options: BenchOptions) throws {
        if options.scenario == .replay, options.local {
            throw UsageError("replay is for --url; --local knows what it was made for", remedy: "leave --local away")
        }
        let onlyReplay = [("--requests", options.requests), ("--expect", options.expect)]
        for (flag, value) in onlyReplay where value != nil && options.scenario != .replay {
            throw UsageError(
                "\(flag) is for the scenario replay, and this is \(options.scenario.rawValue)",
                remedy: "leave it away, or say redeem bench replay"
            )
        }
        let onlyLocal: [(String, Bool)] = [
            ("--users", options.users != nil), ("--stock", options.stock != nil), ("--durability", options.durability != nil),
        ]
        let onlyURL: [(String, Bool)] = [
            ("--tokens", options.tokens != nil), ("--refresh-tokens", options.refreshTokens != nil),
            ("--logins", options.logins != nil), ("--coupon", options.coupon != nil), ("--code", options.code != nil),
            ("--ops-url", options.opsURL != nil),
        ]
        for (flag, isGiven) in options.local ? onlyURL : onlyLocal where isGiven {
            throw UsageError(
                options.local ? "\(flag) is for --url; --local makes its own" : "\(flag) is for --local",
                remedy: "leave it away"
            )
        }
    }
}
