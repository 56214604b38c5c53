import Domain
import LuaScripts
import RedisClient

@testable import HotPath

/// What a Redis does, of the commands that the stores send: keys in memory, one command at a time. `SimulatedRedisTests` holds it
/// to what the real one answers. Bytes are text of as many characters, each of them below 256.
final class SimulatedRedis {
    enum Value {
        case string(String)
        case hash([String: String])
        /// Members and scores.
        case sortedSet([String: Int])
        case stream(Stream)
    }

    struct Stream {
        var entries: [(id: StreamID, fields: [String])] = []
        var lastID = StreamID.zero
        /// Ever.
        var added = 0
    }

    /// What an append-only file keeps.
    struct Saved {
        var keys: [String: Value] = [:]
    }

    /// What a test may want to look at.
    enum Event {
        case accepted(Redemption, epoch: Int, session: String)
        /// The entries leave the outbox.
        case left([(id: StreamID, fields: [String])])
        case scriptsLoaded
    }

    static let start = 1_700_000_000_000

    var saved = Saved()
    /// By the digests that they are called by.
    private(set) var scripts: [String: Script] = [:]
    private(set) var isUp = true
    /// Another one after each start.
    private(set) var id: ReplicationID
    private var starts = 1
    /// Whether what was asked last is how the shard is: somebody is about to act on the answer.
    private(set) var isCompared = false
    /// Milliseconds.
    var time: () -> Int = { SimulatedRedis.start }
    var happened: (Event) -> Void = { _ in }
    /// Of a script.
    var bug: ScriptBug?

    init(id: ReplicationID = ReplicationID("1")) { self.id = id }

    func start(with saved: Saved) {
        self.saved = saved
        scripts = [:]
        isCompared = false
        starts += 1
        id = ReplicationID("\(starts)")
        isUp = true
    }

    func stop() { isUp = false }

    func forgetScripts() { scripts = [:] }

    /// Whether redemptions find their script.
    var isOpen: Bool { scripts[Script.redeem.sha1(in: id)] != nil }

    func execute(_ command: [RESPArgument]) -> RESPValue { execute(command.map(\.simulated)) }

    func execute(_ command: [String]) -> RESPValue {
        let key = command.count > 1 ? command[1] : ""
        // The last command of `ShardStore.status`.
        isCompared = command[0] == "TYPE"
        switch command[0] {
        case "GET": return string(key).map { .string($0) } ?? .null
        case "SET":
            saved.keys[key] = .string(command[2])
            return .string("OK")
        case "DEL", "UNLINK": return .integer(command.dropFirst().count { saved.keys.removeValue(forKey: $0) != nil })
        case "EXISTS": return .integer(command.dropFirst().count { saved.keys[$0] != nil })
        case "HGET": return hash(key)[command[2]].map { .simulated($0) } ?? .null
        case "HMGET":
            let hash = hash(key)
            return .array(command.dropFirst(2).map { name in hash[name].map { .simulated($0) } ?? .null })
        case "HGETALL":
            return .array(fields(key))
        // All at once: HSCAN gives each field that is there from its beginning to its end.
        case "HSCAN": return .array([.string("0"), .array(fields(key))])
        case "TYPE": return .string(type(of: saved.keys[key]))
        case "HSET":
            set(key, Array(command.dropFirst(2)))
            return .integer(0)
        case "ZRANGE":
            let members = sortedSet(key).sorted { ($0.value, $0.key) < ($1.value, $1.key) }
            return .array(members.map { .string($0.key) })
        case "ZREM":
            var members = sortedSet(key)
            let count = command.dropFirst(2).count { members.removeValue(forKey: $0) != nil }
            saved.keys[key] = members.isEmpty ? nil : .sortedSet(members)
            return .integer(count)
        case "SCAN":
            // All at once: SCAN gives each key that is there from its beginning to its end.
            let prefix = command[3].dropLast()
            return .array([.string("0"), .array(saved.keys.keys.filter { $0.hasPrefix(prefix) }.sorted().map { .string($0) })])
        // Its user `default` may do everything.
        case "ACL": return .string("OK")
        // Its file is always whole.
        case "INFO": return .string("# Commandstats\r\n")
        case "XINFO": return information(command[2])
        case "XREAD": return read(command)
        case "SCRIPT": return script(command)
        case "EVAL":
            guard let script = SimulatedRedis.script(of: command[1]) else { return .error("ERR a script that is not simulated") }
            return call(script, command)
        case "EVALSHA":
            guard let script = scripts[command[1]] else { return .error("NOSCRIPT No matching script. Please use EVAL.") }
            return call(script, command)
        default: return .error("ERR unknown command '\(command[0])', with args beginning with: ")
        }
    }

    private static let bySource = Dictionary(uniqueKeysWithValues: Script.allCases.map { ($0.source, $0) })

    /// `redeem` names a Redis in its last line.
    static func script(of source: String) -> Script? {
        bySource[source] ?? (source.utf8.starts(with: Script.redeem.source.utf8) ? .redeem : nil)
    }

    /// - Parameter name: a source or a digest.
    static func script(calledBy name: String) -> Script? {
        name.utf8.count > 40 ? script(of: name) : byDigest[name] ?? .redeem
    }

    private static let byDigest = Dictionary(uniqueKeysWithValues: Script.allCases.map { ($0.sha1, $0) })

    private static func digest(of script: Script, _ source: String) -> String {
        let suffix = source.utf8.dropFirst(script.source.utf8.count + "-- ".utf8.count).dropLast()
        return suffix.isEmpty ? script.sha1 : script.sha1(in: ReplicationID(String(decoding: suffix, as: UTF8.self)))
    }

    // MARK: Values

    func string(_ key: String) -> String? { if case .string(let text) = saved.keys[key] { text } else { nil } }
    func hash(_ key: String) -> [String: String] { if case .hash(let hash) = saved.keys[key] { hash } else { [:] } }
    func sortedSet(_ key: String) -> [String: Int] { if case .sortedSet(let set) = saved.keys[key] { set } else { [:] } }
    func stream(_ key: String) -> Stream? { if case .stream(let stream) = saved.keys[key] { stream } else { nil } }

    private func fields(_ key: String) -> [RESPValue] {
        hash(key).sorted { $0.key < $1.key }.flatMap { [.simulated($0.key), .simulated($0.value)] }
    }

    private func type(of value: Value?) -> String {
        switch value {
        case nil: "none"
        case .string: "string"
        case .hash: "hash"
        case .sortedSet: "zset"
        case .stream: "stream"
        }
    }

    func set(_ key: String, _ fields: [String]) {
        var hash = hash(key)
        for index in stride(from: 0, to: fields.count, by: 2) { hash[fields[index]] = fields[index + 1] }
        saved.keys[key] = .hash(hash)
    }

    // MARK: Streams

    /// As `XADD key *` chooses it: never below the last one, wherever the clock is.
    func nextID(after last: StreamID) -> StreamID {
        let now = UInt64(time())
        return now > last.milliseconds
            ? StreamID(milliseconds: now, sequence: 0)
            : StreamID(milliseconds: last.milliseconds, sequence: last.sequence + 1)
    }

    func append(_ key: String, _ fields: [String]) -> StreamID {
        var stream = stream(key) ?? Stream()
        let id = nextID(after: stream.lastID)
        stream.entries.append((id, fields))
        stream.lastID = id
        stream.added += 1
        saved.keys[key] = .stream(stream)
        return id
    }

    private func information(_ key: String) -> RESPValue {
        guard let stream = stream(key) else { return .error("ERR no such key") }
        return .array([
            .string("length"), .integer(stream.entries.count), .string("last-generated-id"), .string("\(stream.lastID)"),
            .string("entries-added"), .integer(stream.added),
        ])
    }

    private func read(_ command: [String]) -> RESPValue {
        let key = command[command.count - 2]
        guard let after = StreamID(command[command.count - 1]), let count = Int(command[2]) else {
            return .error("ERR syntax error")
        }
        let found = (stream(key)?.entries ?? []).lazy.filter { $0.id > after }.prefix(count)
        guard !found.isEmpty else { return .null }
        let entries = found.map { RESPValue.array([.string("\($0.id)"), .array($0.fields.map { .simulated($0) })]) }
        return .array([.array([.string(key), .array(Array(entries))])])
    }

    /// Whether a read that blocks would be answered.
    func hasEntries(_ command: [String]) -> Bool { read(command) != .null }

    // MARK: Scripts

    private func script(_ command: [String]) -> RESPValue {
        switch command[1] {
        case "FLUSH":
            forgetScripts()
            return .string("OK")
        case "EXISTS": return .array(command.dropFirst(2).map { .integer(scripts[$0] != nil ? 1 : 0) })
        case "LOAD":
            guard let script = SimulatedRedis.script(of: command[2]) else { return .error("ERR a script that is not simulated") }
            let digest = SimulatedRedis.digest(of: script, command[2])
            scripts[digest] = script
            if script == .redeem { happened(.scriptsLoaded) }
            return .string(digest)
        default: return .error("ERR unknown subcommand '\(command[1])'")
        }
    }

    private func call(_ script: Script, _ command: [String]) -> RESPValue {
        let count = Int(command[2]) ?? 0
        let keys = Array(command[3..<(3 + count)])
        let arguments = Array(command[(3 + count)...])
        switch script {
        case .redeem: return redeem(keys, arguments)
        case .loadUser: return .string(loadUser(keys, arguments))
        case .settle: return .string(settle(keys, arguments))
        case .applyControl: return .string(applyControl(keys, arguments))
        case .beginEpoch: return beginEpoch(keys, arguments)
        case .loadCoupon: return loadCoupon(keys, arguments)
        case .writeShard: return writeShard(keys, arguments)
        case .createSession: return createSession(keys, arguments)
        case .userState, .refreshSession, .throttle: return .error("ERR a script that is not simulated")
        }
    }
}

extension RESPArgument {
    /// As the simulation has it.
    var simulated: String {
        switch self {
        case .text(let text): text
        case .bytes(let bytes): String(simulated: bytes)
        }
    }
}

extension String {
    init(simulated bytes: [UInt8]) {
        self.init(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
    }

    /// What the simulation has as text, byte for byte.
    var simulatedBytes: [UInt8] { unicodeScalars.map { UInt8($0.value) } }
}

extension RESPValue {
    static func simulated(_ text: String) -> RESPValue {
        let bytes = text.simulatedBytes
        return String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(bytes)
    }
}
