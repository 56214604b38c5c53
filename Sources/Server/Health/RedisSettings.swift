import Domain
import HotPath

/// The part of Redis's configuration on which an answer's promise rests.
struct RedisSettings: Sendable, Hashable {
    static let names = ["appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy", "min-replicas-to-write"]

    let values: [String: String]

    init(values: [String: String]) {
        self.values = values
    }

    init(client: RedisClient) async throws(RedisError) {
        var values: [String: String] = [:]
        // Redis before 7.0 takes one name a call, and Valkey and Redis after it too.
        for name in RedisSettings.names {
            let reply = try await client.send(["CONFIG", "GET", name]).array ?? []
            if reply.count == 2 { values[name] = reply[1].string }
        }
        self.values = values
    }

    struct Fault: Hashable, Sendable {
        let name: String
        let present: String
        let needed: String

        /// As in redis.conf.
        var setting: String { "\(name) \(present)" }
    }

    /// What has to change before answers may promise `mode`.
    /// - Parameter replicas: that have to acknowledge, for `replicated`.
    func faults(of mode: Durability, replicas: Int = 1) -> [Fault] {
        let needed: [(String, String)] =
            switch mode {
            // What `ledger` promises rests on Postgres.
            case .relaxed, .ledger: [("appendonly", "yes"), ("maxmemory-policy", "noeviction")]
            case .local, .replicated:
                [
                    ("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no"),
                    ("maxmemory-policy", "noeviction"),
                ]
            }
        var faults = needed.compactMap { name, value -> Fault? in
            let present = values[name] ?? "(not told)"
            return present == value ? nil : Fault(name: name, present: present, needed: value)
        }
        if mode == .relaxed || mode == .ledger, values["appendfsync"] == "no" {
            faults.append(Fault(name: "appendfsync", present: "no", needed: "everysec"))
        }
        // Then Redis itself refuses what it could not pass on, before it has done anything; and so does a primary that was cut off.
        let written = values["min-replicas-to-write"] ?? "(not told)"
        if mode == .replicated, Int(written) ?? 0 < replicas {
            faults.append(Fault(name: "min-replicas-to-write", present: written, needed: String(replicas)))
        }
        return faults
    }
}
