import Domain
import RedisClient

@testable import HotPath

/// A bug in a script, for the simulation to find.
enum ScriptBug: String, Sendable, CaseIterable {
    case trimIsByLength = "settle.lua: more is trimmed than has landed"
    case snapshotMayBeStale = "load_user.lua: a snapshot from before a grant is taken"
    case controlIsAppliedTwice = "apply_control.lua: an entry is applied twice"
    case usersOutliveTheirEpoch = "begin_epoch.lua: the fence is raised, and users stay as they were"
    case tailsOfOthers = "redeem.lua: the outbox gets tails by their place in the call, though some of it was refused"
}

// The scripts of `lua/` again, by their contracts.
extension SimulatedRedis {
    func redeem(_ keys: [String], _ arguments: [String]) -> RESPValue {
        let count = keys.count - 3
        var coupon = hash(keys[0])
        guard let epoch = coupon["epoch"], let price = Int(coupon["price"] ?? "") else {
            return .array([.string(""), .string(""), .string(String(repeating: "m", count: count))])
        }
        let id = CouponID(String(keys[0].drop { $0 != "}" }.dropFirst(":coupon:".count + 1)))!
        let blob = arguments[3].simulatedBytes
        let requests = try! RedemptionsBlob.read(blob)
        var letters = ""
        var values: [String] = []
        // The place of a value, and what it lacks.
        var unfinished: [(place: Int, tail: UUIDv7.Tail)] = []
        var accepted: [(user: UserID, session: String, tail: UUIDv7.Tail)] = []
        let isEpoch = hash(keys[2])["epoch"] == epoch
        for (index, (user, tail)) in requests.enumerated() {
            let digest = arguments.count == 5 ? arguments[4] : arguments[4 + index]
            let now = accepted.first { $0.user == user }
            guard isEpoch, let record = record(keys[2], user) else {
                letters += "u"
                continue
            }
            guard saved.keys[keys[3 + index]] != nil else {
                letters += "s"
                continue
            }
            let right = digest == coupon["code"]
            let before = now?.tail ?? record.redemptions[id]?.uuid.tail
            func tell(_ letter: String) {
                letters += letter
                if let now { unfinished.append((values.count, now.tail)) }
                values.append(now == nil ? record.redemptions[id]!.uuid.base64URL : "")
            }
            if right, before == tail {
                tell("r")
            } else if coupon["state"] != "active" {
                letters += "p"
            } else if !right {
                letters += "w"
            } else if before != nil {
                tell("d")
            } else if Int(coupon["left"] ?? "0")! < 1 {
                letters += "o"
            } else if record.available < price {
                letters += "c"
            } else if stream(keys[1])?.entries.count ?? 0 >= Int(arguments[2])! {
                letters += "b"
            } else {
                letters += "a"
                coupon["left"] = "\(Int(coupon["left"]!)! - 1)"
                accepted.append((user, keys[3 + index], tail))
            }
            // A wrong code is a try, whatever else it is.
            if !right, !letters.hasSuffix("u"), !letters.hasSuffix("s") { addTry(keys[2], user) }
        }
        guard !accepted.isEmpty else {
            return .array(([coupon["price"]!, "", letters] + values).map { .simulated($0) })
        }
        let tails = bug == .tailsOfOthers ? Array(requests.map(\.tail).prefix(accepted.count)) : accepted.map(\.tail)
        let redemptions = accepted.flatMap(\.user.uuid.bytes) + tails.flatMap { Array($0.base64URL.utf8) }
        let entry = append(
            keys[1],
            ["epoch", epoch, "coupon", "\(id)", "price", "\(price)", "redemptions", String(simulated: redemptions)]
        )
        func redemption(_ tail: UUIDv7.Tail) -> RedemptionID { RedemptionID(outbox: entry, tail: tail) }
        for (place, tail) in unfinished { values[place] = redemption(tail).uuid.base64URL }
        saved.keys[keys[0]] = .hash(coupon)
        for (user, session, tail) in accepted {
            change(keys[2], user) { record in
                record.available -= price
                record.redemptions[id] = redemption(tail)
            }
            let redemption = Redemption(id: redemption(tail), user: user, coupon: id, price: price)
            happened(.accepted(redemption, epoch: Int(epoch)!, session: session))
        }
        let time = String(redemption(accepted[0].tail).uuid.base64URL.prefix(8))
        return .array(([coupon["price"]!, time, letters] + values).map { .simulated($0) })
    }

    func record(_ users: String, _ user: UserID) -> UserRecord? {
        hash(users)[String(simulated: user.uuid.bytes)].flatMap { UserRecord($0.simulatedBytes) }
    }

    private func set(_ users: String, _ user: UserID, _ record: UserRecord) {
        set(users, [String(simulated: user.uuid.bytes), String(simulated: record.bytes)])
    }

    private func change(_ users: String, _ user: UserID, _ change: (inout UserRecord) -> Void) {
        var record = record(users, user)!
        change(&record)
        set(users, user, record)
    }

    /// Nobody is locked out: limits are high in what is simulated.
    private func addTry(_ users: String, _ user: UserID) {
        change(users, user) { record in
            var tries = record.tries ?? .init(attempts: 0, since: time(), lockedUntil: 0)
            tries.attempts += 1
            record.tries = tries
        }
    }

    /// Without an end to sessions, and without a limit of them.
    func createSession(_ keys: [String], _ arguments: [String]) -> RESPValue {
        guard saved.keys[keys[0]] == nil else { return .array([.string("session_exists")]) }
        set(keys[0], Array(arguments[3...]))
        var sessions = sortedSet(keys[1])
        sessions[String(keys[0].suffix(36))] = time() + Int(arguments[0])!
        saved.keys[keys[1]] = .sortedSet(sessions)
        return .array([.string("created")])
    }

    func loadUser(_ keys: [String], _ arguments: [String]) -> String {
        let shard = hash(keys[0])
        guard let epoch = shard["epoch"], epoch == arguments[0], hash(keys[1])["epoch"] == epoch else {
            return "wrong_epoch"
        }
        let user = UserID(uuid: UUIDv7(bytes: arguments[3].simulatedBytes)!)
        guard record(keys[1], user) == nil else { return "already_loaded" }
        if Int(arguments[2])! < Int(shard["control"]!)!, bug != .snapshotMayBeStale { return "stale_snapshot" }
        var record = UserRecord(available: Int(arguments[1])!, control: Int(arguments[2])!)
        for index in stride(from: 4, to: arguments.count, by: 2) {
            record.redemptions[CouponID(arguments[index])!] = RedemptionID(uuid: UUIDv7(base64URL: arguments[index + 1].utf8)!)
        }
        set(keys[1], user, record)
        return "loaded"
    }

    func settle(_ keys: [String], _ arguments: [String]) -> String {
        let epoch = arguments[0]
        guard hash(keys[1])["epoch"] == epoch else { return "wrong_epoch" }
        guard var stream = stream(keys[0]), let first = stream.entries.first, let next = StreamID(arguments[2]),
            "\(first.id)" == arguments[1]
        else { return "not_first" }
        let cut = stream.entries.firstIndex { $0.id >= next } ?? stream.entries.count
        let settled = stream.entries[..<cut]
        let trimmed = bug == .trimIsByLength ? stream.entries : Array(settled)
        stream.entries.removeFirst(trimmed.count)
        saved.keys[keys[0]] = .stream(stream)
        if let last = settled.last {
            let before = hash(keys[1])["trimmed"].flatMap { Int($0) } ?? 0
            set(keys[1], ["settled", "\(last.id)", "trimmed", "\(before + trimmed.count)"])
        }
        happened(.left(trimmed))
        return "settled"
    }

    func applyControl(_ keys: [String], _ arguments: [String]) -> String {
        let (epoch, kind) = (arguments[0], arguments[3])
        let sequence = Int(arguments[1])!
        let shard = hash(keys[0])
        guard shard["epoch"] == epoch, let control = Int(shard["control"] ?? "") else { return "wrong_epoch" }
        if sequence <= control, bug != .controlIsAppliedTwice { return "already_applied" }
        if sequence > control + 1 { return "gap" }
        let target = hash(keys[1])
        let isLoaded = target["epoch"] == epoch
        switch kind {
        case "credit_granted":
            let user = UserID(uuid: UUIDv7(bytes: arguments[5].simulatedBytes)!)
            if isLoaded, let known = record(keys[1], user)?.control, sequence > known || bug == .controlIsAppliedTwice {
                change(keys[1], user) { record in
                    record.available += Int(arguments[4])!
                    record.control = sequence
                }
            }
        case "user_sessions_revoked", "sessions_revoked", "shard_rebuild": break
        case "redemption_dropped":
            let name = CouponID(String(keys[2].drop { $0 != "}" }.dropFirst("}:coupon:".count)))!
            let user = UserID(uuid: UUIDv7(bytes: arguments[6].simulatedBytes)!)
            guard isLoaded, record(keys[1], user)?.redemptions[name]?.uuid.base64URL == arguments[4] else { break }
            let coupon = hash(keys[2])
            guard coupon["epoch"] == epoch else { return "coupon_not_loaded" }
            change(keys[1], user) { record in
                record.redemptions[name] = nil
                record.available += Int(arguments[5])!
            }
            set(keys[2], ["left", "\(Int(coupon["left"]!)! + 1)"])
        case "coupon_created":
            if isLoaded { return "coupon_already_loaded" }
            write(keys[1], epoch, arguments[4...])
        case "coupon_state":
            guard isLoaded else { return "coupon_not_loaded" }
            set(keys[1], ["state", arguments[4]])
        case "coupon_restocked":
            guard isLoaded else { return "coupon_not_loaded" }
            set(keys[1], ["left", "\(Int(target["left"]!)! + Int(arguments[4])!)"])
        default: preconditionFailure("not a kind: \(kind)")
        }
        set(keys[0], ["control", "\(max(sequence, control))", "mark", arguments[2]])
        return "applied"
    }

    private func write(_ key: String, _ epoch: String, _ values: ArraySlice<String>) {
        saved.keys[key] = nil
        let names = ["code", "price", "left", "starts", "ends", "state"]
        set(key, ["epoch", epoch] + zip(names, values).flatMap { [$0, $1] })
    }

    func beginEpoch(_ keys: [String], _ arguments: [String]) -> RESPValue {
        let epoch = Int(arguments[0])!
        let fence = Int(string(keys[0]) ?? "0")!
        if epoch <= fence {
            return .error("FENCED epoch \(epoch): this Redis has begun epoch \(fence)")
        }
        happened(.left(stream(keys[1])?.entries ?? []))
        saved.keys[keys[0]] = .string(arguments[0])
        saved.keys[keys[1]] = nil
        saved.keys[keys[2]] = nil
        if bug != .usersOutliveTheirEpoch { saved.keys[keys[3]] = nil }
        set(keys[3], ["epoch", arguments[0]])
        saved.keys[keys[4]] = .string("a later version of Redeem keeps this shard")
        return .string("begun")
    }

    private func fenced(_ keys: [String], _ epoch: String) -> RESPValue? {
        let fence = string(keys[0])
        if fence != epoch {
            return .error("FENCED epoch \(epoch): this Redis has begun \(fence.map { "epoch \($0)" } ?? "none yet")")
        }
        return saved.keys[keys[1]] == nil ? nil : .error("FENCED epoch \(epoch): the shard is open")
    }

    func loadCoupon(_ keys: [String], _ arguments: [String]) -> RESPValue {
        if let fenced = fenced(keys, arguments[0]) { return fenced }
        for (index, key) in keys.dropFirst(2).enumerated() { write(key, arguments[0], arguments[(1 + 6 * index)...].prefix(6)) }
        return .string("loaded")
    }

    func writeShard(_ keys: [String], _ arguments: [String]) -> RESPValue {
        if let fenced = fenced(keys, arguments[0]) { return fenced }
        set(keys[1], ["epoch", arguments[0], "control", arguments[1], "mark", arguments[2], "trimmed", "0"])
        return .string("written")
    }
}
