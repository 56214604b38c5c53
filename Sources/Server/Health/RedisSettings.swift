import Domain
import HotPath
import RedisClient

/// The part of Redis's configuration, and of its users, on which an answer's promise rests.
struct RedisSettings: Sendable, Hashable {
    static let names = ["appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy", "min-replicas-to-write"]

    let values: [String: String]
    /// The writes in the append-only file that this Redis would leave out at its next start.
    let refusedInReplay: [String]

    init(values: [String: String], refusedInReplay: [String] = []) {
        self.values = values
        self.refusedInReplay = refusedInReplay
    }

    init(client: RedisClient) async throws(RedisError) {
        var values: [String: String] = [:]
        // Redis before 7.0 takes only one name in a call. Later versions and Valkey take one as well.
        for name in RedisSettings.names {
            let reply = try await client.send(["CONFIG", "GET", name]).array ?? []
            if reply.count == 2 { values[name] = reply[1].string }
        }
        self.values = values
        refusedInReplay = try await client.refusedInReplay()
    }

    enum Fault: Hashable, Sendable {
        case setting(name: String, present: String, needed: String)
        /// The user `default` lacks rights to commands in the append-only file.
        case replay(refused: [String])

        var name: String {
            switch self {
            case .setting(let name, _, _): name
            case .replay: "user default"
            }
        }

        /// The fault, in words that follow "Redis has".
        var text: String {
            switch self {
            case .setting(let name, let present, _): "\(name) \(present)"
            case .replay(let refused):
                "a user 'default' without the right to \(refused.prefix(3).joined(separator: ", "))"
                    + (refused.count > 3 ? " and \(refused.count - 3) more" : "")
                    + ", so a restart would drop redemptions"
            }
        }

        /// The remedy, as a command for redis-cli.
        var command: String {
            switch self {
            case .setting(let name, _, let needed): "CONFIG SET \(name) \(needed)"
            case .replay: ReplayRights.command.joined(separator: " ")
            }
        }

        /// The remedy, as a line of redis.conf.
        var line: String {
            switch self {
            case .setting(let name, _, let needed): "\(name) \(needed)"
            case .replay: ReplayRights.line
            }
        }
    }

    /// The faults that must be mended before answers may promise `mode`.
    /// - Parameter replicas: the number of replicas that have to acknowledge, for `replicated`.
    func faults(of mode: Durability, replicas: Int = 1) -> [Fault] {
        let needed: [(String, String)] =
            switch mode {
            // The promise of `ledger` rests on Postgres.
            case .relaxed, .ledger: [("appendonly", "yes"), ("maxmemory-policy", "noeviction")]
            case .local, .replicated:
                [
                    ("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no"),
                    ("maxmemory-policy", "noeviction"),
                ]
            }
        var faults = needed.compactMap { name, value -> Fault? in
            let present = values[name] ?? "(not told)"
            return present == value ? nil : .setting(name: name, present: present, needed: value)
        }
        if mode == .relaxed || mode == .ledger, values["appendfsync"] == "no" {
            faults.append(.setting(name: "appendfsync", present: "no", needed: "everysec"))
        }
        // With this setting Redis refuses a write that it could not pass on, before it has done anything. A primary that was cut
        // off refuses so, too.
        let written = values["min-replicas-to-write"] ?? "(not told)"
        if mode == .replicated, Int(written) ?? 0 < replicas {
            faults.append(.setting(name: "min-replicas-to-write", present: written, needed: String(replicas)))
        }
        // This counts in every mode: any part of what was decided may be left out, not only that of the last seconds.
        if !refusedInReplay.isEmpty { faults.append(.replay(refused: refusedInReplay)) }
        return faults
    }
}
