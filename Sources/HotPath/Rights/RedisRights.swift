/// Commands, and the keys that each may be used on.
struct RedisRights: Hashable {
    /// A kind of keys, by the name that `Keys` gives it.
    enum KeyFamily: String, CaseIterable {
        case shard, outbox, fence, users, coupon, session, sessions, logins, earlierShard, earlierUser
    }

    /// By command, as ACLs write it: lower case, `config|get`. Without a family: the command names no key.
    private(set) var families: [String: Set<KeyFamily>] = [:]

    init() {}

    init(_ rights: (commands: [String], keys: [KeyFamily])...) {
        for (commands, keys) in rights { allow(commands, on: keys) }
    }

    mutating func allow(_ commands: [String], on keys: [KeyFamily] = []) {
        for command in commands { families[command, default: []].formUnion(keys) }
    }

    mutating func formUnion(_ other: RedisRights) {
        families.merge(other.families) { $0.union($1) }
    }

    /// The rights as rules of `ACL SETUSER`: first the commands that name no key, then one selector (Redis 7.0) for all commands that go to
    /// the same keys. Redis permits a call if one selector allows its command and all of its keys.
    func rules(keys: [Keys]) -> [String] {
        let groups = Dictionary(grouping: families.keys.sorted()) { families[$0, default: []] }
        let withoutKeys = groups[[], default: []].map { "+\($0)" }
        let selectors = groups.filter { !$0.key.isEmpty }.sorted { $0.value[0] < $1.value[0] }.map { families, commands in
            let patterns = KeyFamily.allCases.filter(families.contains).flatMap { family in
                keys.map { "~\($0.pattern(of: family))" }
            }
            return "(\((patterns + commands.map { "+\($0)" }).joined(separator: " ")))"
        }
        return withoutKeys + selectors
    }
}

extension Keys {
    /// The glob pattern of a family's keys. Braces have no meaning in it.
    func pattern(of family: RedisRights.KeyFamily) -> String {
        switch family {
        case .shard: shard
        case .outbox: outbox
        case .fence: fence
        case .users: users
        case .coupon: couponPrefix + "*"
        case .session: sessionPrefix + "*"
        case .sessions: sessionsPrefix + "*"
        case .logins: loginsPrefix + "*"
        case .earlierShard: earlierShard
        case .earlierUser: earlierUserPrefix + "*"
        }
    }
}
