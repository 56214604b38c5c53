import Domain
import LocalStack
import NIOPosix
import TestSupport
import Testing

@testable import HotPath

/// The simulated Redis answers what a real one does, scripts and all: else what the simulation finds would be of another world.
@Suite struct SimulatedRedisTests {
    @Test(arguments: [1, 2])
    func answersAsARealOne(seed: UInt64) async throws {
        let replies = try await compare(seed)
        // What was never answered was not compared.
        let expected: Set = [
            "accepted", "already_redeemed", "replayed", "insufficient_credit", "backlog_full", "user_not_loaded",
            "coupon_not_loaded", "coupon_paused", "wrong_code", "session_revoked", "loaded", "already_loaded", "wrong_epoch",
            "stale_snapshot", "settled", "not_first", "applied", "already_applied", "gap", "coupon_already_loaded", "begun",
            "FENCED", "written", "NOSCRIPT", "created", "session_exists",
        ]
        #expect(expected.subtracting(replies).isEmpty)
    }

    /// A new seed in each run. It need not meet every answer.
    @Test func answersAsARealOneWhateverComes() async throws {
        _ = try await compare(UInt64.random(in: .min ... .max))
    }

    /// - Returns: the first words of all that was answered.
    private func compare(_ seed: UInt64) async throws -> Set<String> {
        try await withRedis { server in
            let client = RedisClient(
                configuration: try .forTests(server.url),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: testLogger()
            )
            try await client.connect()
            let (_, id) = try await client.pipeline(to: nil, deadline: nil) { _ in [["PING"]] }
            var comparison = Comparison(client: client, redis: id, seed: seed)
            do { try await comparison.run() } catch {
                await client.close()
                throw error
            }
            await client.close()
            return comparison.replies
        }
    }

    private struct Comparison {
        let client: RedisClient
        let simulated: SimulatedRedis
        let seed: UInt64
        var random: SeededGenerator
        let keys = Keys(Shard(index: 0))
        let users = (0..<5).map { UserID(uuid: UUIDv7(milliseconds: 1, tail: UUIDv7.Tail(high: 0, low: UInt64($0)))) }
        let coupons = ["tea", "jam", "nothing"].map { CouponID($0)! }
        let session = SessionID(uuid: UUIDv7(milliseconds: 1))
        let digest = String(repeating: "07", count: 32)
        var time = 0
        var epoch = 1
        var control = 0
        var replies: Set<String> = []
        /// What most often comes after what was sent.
        var following: [[String]] = []

        init(client: RedisClient, redis: ReplicationID, seed: UInt64) {
            self.client = client
            self.seed = seed
            random = SeededGenerator(seed: seed)
            simulated = SimulatedRedis(id: redis)
        }

        mutating func run() async throws {
            for _ in 0..<2_500 { try await same(next()) }
            for key in simulated.saved.keys.keys.sorted() {
                if case .hash = simulated.saved.keys[key] {
                    let fields = [
                        "epoch", "control", "mark", "settled", "trimmed", "left", "state", "credit", "held", "r:tea", "r:jam",
                    ]
                    try await same(["HMGET", key] + fields)
                }
            }
        }

        private mutating func same(_ command: [String]) async throws {
            let real = try await client.pipeline([command])[0]
            // A new entry's time is the real one's.
            if case .array(let pairs) = try await client.pipeline([["XINFO", "STREAM", keys.outbox]])[0],
                let id = RESPValue.array(pairs).dictionary["last-generated-id"]?.string.flatMap({ StreamID($0) })
            {
                time = max(time, Int(id.milliseconds))
            }
            simulated.time = { [time] in time }
            let answer = simulated.execute(command)
            if command[0] == "XINFO" {
                for name in ["length", "last-generated-id", "entries-added"] {
                    #expect(answer.dictionary[name] == real.dictionary[name], "\(name), seed \(seed)")
                }
            } else {
                #expect(answer == real, "\(command.summary), seed \(seed)")
            }
            note(real)
        }

        private mutating func note(_ reply: RESPValue) {
            switch reply {
            case .string(let text), .error(let text): replies.insert(String(text.prefix { $0 != " " }))
            case .array(let values): for value in values { note(value) }
            case .integer, .null: break
            }
        }

        private mutating func next() -> [String] {
            if !following.isEmpty, !random.chance(10) { return following.removeFirst() }
            let user = users.randomElement(using: &random)!
            let coupon = coupons.randomElement(using: &random)!
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<30: return redeem(coupon)
            case 30..<42: return settle()
            case 42..<54:
                let stale = random.chance(30) ? 1 : 0
                let arguments = [
                    "\(epoch - (random.chance(10) ? 1 : 0))", "\(random.chance(50) ? 10 : 40)", "\(max(0, control - stale))",
                ]
                let earlier = random.chance(30) ? ["tea", "018bcfe5-6800-7000-8000-000000000001"] : []
                return Script.loadUser.call(keys: [keys.shard, keys.user(user)], arguments: arguments + earlier)
            case 54..<66: return apply(user, coupon)
            case 66..<70:
                return Script.createSession.call(
                    keys: [keys.session(session), keys.sessions(user)],
                    arguments: ["1000000", "1000000", "100", "user", "\(user)", "version", "1"]
                )
            case 70..<74: return ["XREAD", "COUNT", "3", "STREAMS", keys.outbox, "0-0"]
            case 74..<77: return ["XINFO", "STREAM", keys.outbox]
            case 77..<80:
                following += Script.opening.map { ["SCRIPT", "LOAD", $0.source(in: simulated.id)] }
                return random.chance(30)
                    ? ["SCRIPT", "FLUSH", "SYNC"] : ["SCRIPT", "LOAD", Script.redeem.source(in: simulated.id)]
            case 85: return ["SCRIPT", "EXISTS"] + Script.opening.map { $0.sha1(in: simulated.id) }
            case 86: return ["DEL", random.chance(80) ? keys.session(session) : keys.shard]
            case 87: return ["ZRANGE", keys.sessions(user), "0", "-1"]
            case 88:
                if random.chance(70) { epoch += 1 }
                following = [loadCoupons(), writeShard()]
                return Script.beginEpoch.evaluation(keys: [keys.fence, keys.outbox, keys.shard], arguments: ["\(epoch)"])
            case 89: return loadCoupons()
            case 90: return writeShard()
            default: return redeem(coupon)
            }
        }

        private func loadCoupons() -> [String] {
            let values = ["3", "6"].flatMap { [digest, "10", $0, "", "", "active"] }
            let names = coupons.prefix(2).map { keys.coupon($0) }
            return Script.loadCoupon.evaluation(keys: [keys.fence, keys.shard] + names, arguments: ["\(epoch)"] + values)
        }

        private func writeShard() -> [String] {
            Script.writeShard.evaluation(
                keys: [keys.fence, keys.shard],
                arguments: ["\(epoch)", "\(control)", "\(7 * control)"]
            )
        }

        private mutating func redeem(_ coupon: CouponID) -> [String] {
            let count = Int.random(in: 1...4, using: &random)
            let requests = (0..<count).map { _ in users.randomElement(using: &random)! }
            var arguments = ["1000000", "1000000", random.chance(20) ? "1" : "1000"]
            for index in 0..<count {
                let tail = UUIDv7.Tail(high: 0, low: UInt64.random(in: 1...3, using: &random))
                arguments += ["\(tail)", index > 0 ? "" : random.chance(5) ? String(repeating: "0", count: 64) : digest]
            }
            let names = requests.flatMap { [keys.user($0), keys.session(session)] }
            let all = [keys.coupon(coupon), keys.outbox] + names
            return ["EVALSHA", Script.redeem.sha1(in: simulated.id), "\(all.count)"] + all + arguments
        }

        private mutating func settle() -> [String] {
            let entries = simulated.stream(keys.outbox)?.entries ?? []
            let first = entries.first?.id ?? StreamID(milliseconds: 1, sequence: 1)
            let last = entries.prefix(3).last?.id ?? first
            let next = StreamID(milliseconds: last.milliseconds, sequence: last.sequence + 1)
            let named = random.chance(10) ? StreamID(milliseconds: 1, sequence: 1) : first
            let names = users.map { keys.user($0) }
            return Script.settle.call(keys: [keys.outbox, keys.shard] + names, arguments: ["\(epoch)", "\(named)", "\(next)"])
        }

        private mutating func apply(_ user: UserID, _ coupon: CouponID) -> [String] {
            if let applied = simulated.hash(keys.shard)["control"].flatMap({ Int($0) }) { control = applied }
            let sequence = control + (random.chance(70) ? 1 : Int.random(in: 0...2, using: &random))
            let (target, change): (String, [String]) =
                switch Int.random(in: 0..<6, using: &random) {
                case 0: (keys.user(user), ["credit_granted", "10"])
                case 1: (keys.coupon(coupon), ["coupon_state", random.chance(30) ? "paused" : "active"])
                case 2: (keys.coupon(coupon), ["coupon_restocked", "2"])
                case 3: (keys.coupon(coupon), ["coupon_created", digest, "10", "3", "", "", "active"])
                case 4: (keys.shard, ["shard_rebuild"])
                default: (keys.shard, ["user_sessions_revoked"])
                }
            return Script.applyControl.call(
                keys: [keys.shard, target],
                arguments: ["\(epoch)", "\(max(1, sequence))", "\(7 * sequence)"] + change
            )
        }
    }
}
