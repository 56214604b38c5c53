import Domain

@testable import HotPath

/// A bug in a script, for the simulation to find.
enum ScriptBug: String, Sendable, CaseIterable {
    case trimIsByLength = "settle.lua: more is trimmed than has landed"
    case snapshotMayBeStale = "load_user.lua: a snapshot from before a grant is taken"
    case controlIsAppliedTwice = "apply_control.lua: an entry is applied twice"
    case usersOfAnyEpoch = "redeem.lua: users of an older epoch redeem"
}

// The scripts of `lua/` again, by their contracts.
extension SimulatedRedis {
    func redeem(_ keys: [String], _ arguments: [String]) -> RESPValue {
        let count = (keys.count - 2) / 2
        var coupon = hash(keys[0])
        guard let epoch = coupon["epoch"], let price = Int(coupon["price"] ?? "") else {
            return .array([.string(""), .string("")] + Array(repeating: .string("coupon_not_loaded"), count: count))
        }
        let id = String(keys[0].drop { $0 != "}" }.dropFirst(":coupon:".count + 1))
        let field = "r:\(id)"
        var digest = ""
        var fields = ["epoch", epoch, "coupon", id, "price", "\(price)"]
        var codes: [String] = []
        // The place of an answer, and what it lacks.
        var unfinished: [(place: Int, rest: String)] = []
        var accepted: [(user: String, session: String, tail: String)] = []
        for index in 0..<count {
            let key = keys[2 + 2 * index]
            let session = keys[3 + 2 * index]
            let tail = arguments[3 + 2 * index]
            if !arguments[4 + 2 * index].isEmpty { digest = arguments[4 + 2 * index] }
            var user = hash(key)
            let before = user[field]
            guard user["epoch"] == epoch || bug == .usersOfAnyEpoch && user["epoch"] != nil else {
                codes.append("user_not_loaded")
                continue
            }
            guard saved.keys[session] != nil else {
                codes.append("session_revoked")
                continue
            }
            let right = digest == coupon["code"]
            if right, let before, before.hasSuffix(tail) {
                // One of this very call has no time yet.
                if before.count == tail.count { unfinished.append((codes.count, before)) }
                codes.append(before.count == tail.count ? "replayed" : "replayed \(before)")
            } else if coupon["state"] != "active" {
                codes.append("coupon_paused")
            } else if !right {
                codes.append("wrong_code")
            } else if let before {
                if before.count == tail.count { unfinished.append((codes.count, before)) }
                codes.append(before.count == tail.count ? "already_redeemed" : "already_redeemed \(before)")
            } else if Int(coupon["left"] ?? "0")! < 1 {
                codes.append("sold_out")
            } else if Int(user["credit"] ?? "0")! < price {
                codes.append("insufficient_credit")
            } else if stream(keys[1])?.entries.count ?? 0 >= Int(arguments[2])! {
                codes.append("backlog_full")
            } else {
                codes.append("accepted")
                coupon["left"] = "\(Int(coupon["left"]!)! - 1)"
                user["credit"] = "\(Int(user["credit"]!)! - price)"
                user["held"] = "\(Int(user["held"]!)! + price)"
                user[field] = tail
                saved.keys[key] = .hash(user)
                fields += [String(key.suffix(36)), tail]
                accepted.append((key, session, tail))
            }
        }
        guard !accepted.isEmpty else {
            return .array([.string("\(price)"), .string("")] + codes.map { .string($0) })
        }
        let entry = append(keys[1], fields)
        let prefix = String("\(UUIDv7(milliseconds: entry.milliseconds, tail: UUIDv7.Tail(high: 0, low: 0)))".prefix(14))
        for (place, rest) in unfinished { codes[place] += " \(prefix)\(rest)" }
        saved.keys[keys[0]] = .hash(coupon)
        for (user, session, tail) in accepted {
            set(user, [field, prefix + tail])
            let redemption = Redemption(
                id: RedemptionID(prefix + tail)!,
                user: UserID(String(user.suffix(36)))!,
                coupon: CouponID(id)!,
                price: price
            )
            happened(.accepted(redemption, epoch: Int(epoch)!, session: session))
        }
        return .array([.string("\(price)"), .string(prefix)] + codes.map { .string($0) })
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
        guard let epoch = shard["epoch"], epoch == arguments[0] else {
            return "wrong_epoch"
        }
        guard hash(keys[1])["epoch"] != epoch else { return "already_loaded" }
        if Int(arguments[2])! < Int(shard["control"]!)!, bug != .snapshotMayBeStale { return "stale_snapshot" }
        saved.keys[keys[1]] = nil
        set(keys[1], ["epoch", epoch, "credit", arguments[1], "held", "0", "control", arguments[2]])
        for index in stride(from: 3, to: arguments.count, by: 2) {
            set(keys[1], ["r:\(arguments[index])", arguments[index + 1]])
        }
        return "loaded"
    }

    func settle(_ keys: [String], _ arguments: [String]) -> RESPValue {
        let epoch = arguments[0]
        guard hash(keys[1])["epoch"] == epoch else { return .array([.string("wrong_epoch")]) }
        guard var stream = stream(keys[0]), let first = stream.entries.first, let next = StreamID(arguments[2]),
            "\(first.id)" == arguments[1]
        else { return .array([.string("not_first")]) }
        let cut = stream.entries.firstIndex { $0.id >= next } ?? stream.entries.count
        let settled = stream.entries[..<cut]
        var sums: [String: Int] = [:]
        for (_, fields) in settled where fields.count > 6 && fields[0] == "epoch" && fields[1] == epoch && fields[4] == "price" {
            for index in stride(from: 6, to: fields.count - 1, by: 2) { sums[fields[index], default: 0] += Int(fields[5]) ?? 0 }
        }
        var drifted = 0
        for key in keys.dropFirst(2) {
            guard let sum = sums[String(key.suffix(36))] else { continue }
            let user = hash(key)
            guard user["epoch"] == epoch, let held = Int(user["held"] ?? "") else {
                drifted += 1
                continue
            }
            if held < sum { drifted += 1 }
            set(key, ["held", "\(max(0, held - sum))"])
        }
        if let last = settled.last { set(keys[1], ["settled", "\(last.id)"]) }
        let trimmed = bug == .trimIsByLength ? stream.entries : Array(settled)
        stream.entries.removeFirst(trimmed.count)
        saved.keys[keys[0]] = .stream(stream)
        if let before = hash(keys[1])["trimmed"].flatMap({ Int($0) }) { set(keys[1], ["trimmed", "\(before + trimmed.count)"]) }
        happened(.left(trimmed))
        return .array([.string("settled"), .integer(drifted)])
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
            if isLoaded, sequence > Int(target["control"]!)! || bug == .controlIsAppliedTwice {
                set(keys[1], ["credit", "\(Int(target["credit"]!)! + Int(arguments[4])!)", "control", "\(sequence)"])
            }
        case "user_sessions_revoked", "sessions_revoked", "shard_rebuild": break
        case "redemption_dropped":
            let field = String(keys[2].drop { $0 != "}" }.dropFirst("}:coupon:".count))
            guard isLoaded, target["r:\(field)"] == arguments[4] else { break }
            let coupon = hash(keys[2])
            guard coupon["epoch"] == epoch else { return "coupon_not_loaded" }
            var user = target
            user["r:\(field)"] = nil
            user["credit"] = "\(Int(user["credit"]!)! + Int(arguments[5])!)"
            saved.keys[keys[1]] = .hash(user)
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
