import Domain
import LocalStack
import LuaScripts
import NIOPosix
import RedisClient
import TestSupport
import Testing

@testable import HotPath

/// The simulated Redis answers what a real one does, scripts and all: else what the simulation finds would be of another world.
@Suite struct SimulatedRedisTests {
    @Test(arguments: (1...2).prefix(SeedShare.of(2)).map { UInt64($0) })
    func answersAsARealOne(seed: UInt64) async throws {
        let replies = try await compare(seed)
        // What was never answered was not compared.
        let expected: Set = [
            "a", "d", "r", "c", "b", "u", "m", "p", "w", "s", "loaded", "already_loaded", "wrong_epoch",
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
        var following: [[RESPArgument]] = []

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
                    let fields = ["epoch", "control", "mark", "settled", "trimmed", "left", "state"]
                    try await same((["HMGET", key] + fields).asArguments)
                }
            }
            for user in users {
                var (record, real) = (simulated.record(keys.users, user), try await client.record(of: user, keys))
                // Each has a clock of its own.
                record?.tries?.since = 0
                real?.tries?.since = 0
                #expect(record == real, "seed \(seed)")
            }
        }

        private mutating func same(_ command: [RESPArgument]) async throws {
            let name = command[0].simulated
            let real = try await client.pipeline([command])[0]
            // A new entry's time is the real one's.
            if case .array(let pairs) = try await client.pipeline([["XINFO", "STREAM", keys.outbox]])[0],
                let id = RESPValue.array(pairs).dictionary["last-generated-id"]?.string.flatMap({ StreamID($0) })
            {
                time = max(time, Int(id.milliseconds))
            }
            simulated.time = { [time] in time }
            let answer = simulated.execute(command)
            if name == "XINFO" {
                for name in ["length", "last-generated-id", "entries-added"] {
                    #expect(answer.dictionary[name] == real.dictionary[name], "\(name), seed \(seed)")
                }
            } else {
                #expect(answer == real, "\(command.map(\.simulated).summary), seed \(seed)")
            }
            note(real)
        }

        private mutating func note(_ reply: RESPValue) {
            switch reply {
            case .string(let text), .error(let text): replies.insert(String(text.prefix { $0 != " " }))
            case .bytes: break
            case .array(let values):
                for value in values { note(value) }
                // What each request of a call got.
                if values.count >= 3, let letters = values[2].string { replies.formUnion(letters.map { String($0) }) }
            case .integer, .null: break
            }
        }

        private mutating func next() -> [RESPArgument] {
            if !following.isEmpty, !random.chance(10) { return following.removeFirst() }
            let user = users.randomElement(using: &random)!
            let coupon = coupons.randomElement(using: &random)!
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<30: return redeem(coupon)
            case 30..<42: return settle().asArguments
            case 42..<54:
                let stale = random.chance(30) ? 1 : 0
                let arguments: [RESPArgument] = [
                    .text("\(epoch - (random.chance(10) ? 1 : 0))"), .text("\(random.chance(50) ? 10 : 40)"),
                    .text("\(max(0, control - stale))"), .bytes(user.uuid.bytes),
                ]
                let id = UUIDv7("018bcfe5-6800-7000-8000-000000000001")!.base64URL
                let earlier = random.chance(30) ? ["tea", id].asArguments : []
                return Script.loadUser.call(keys: [keys.shard, keys.users], arguments: arguments + earlier)
            case 54..<66: return apply(user, coupon)
            case 66..<70:
                return Script.createSession.call(
                    keys: [keys.session(session), keys.sessions(user)],
                    arguments: ["1000000", "1000000", "100", "user", "\(user)", "version", "1"]
                ).asArguments
            case 70..<74: return ["XREAD", "COUNT", "3", "STREAMS", keys.outbox, "0-0"].asArguments
            case 74..<77: return ["XINFO", "STREAM", keys.outbox].asArguments
            case 77..<80:
                following += Script.opening.map { ["SCRIPT", "LOAD", $0.source(in: simulated.id)].asArguments }
                return
                    (random.chance(30)
                    ? ["SCRIPT", "FLUSH", "SYNC"] : ["SCRIPT", "LOAD", Script.redeem.source(in: simulated.id)]).asArguments
            case 83: return ["TYPE", random.chance(50) ? keys.earlierShard : keys.users].asArguments
            case 84: return ["HGET", keys.users, "epoch"].asArguments
            case 85: return (["SCRIPT", "EXISTS"] + Script.opening.map { $0.sha1(in: simulated.id) }).asArguments
            case 86: return ["DEL", random.chance(80) ? keys.session(session) : keys.shard].asArguments
            case 87: return ["ZRANGE", keys.sessions(user), "0", "-1"].asArguments
            case 88:
                if random.chance(70) { epoch += 1 }
                following = [loadCoupons(), writeShard()]
                return Script.beginEpoch.evaluation(
                    keys: [keys.fence, keys.outbox, keys.shard, keys.users, keys.earlierShard],
                    arguments: ["\(epoch)"]
                ).asArguments
            case 89: return loadCoupons()
            case 90: return writeShard()
            default: return redeem(coupon)
            }
        }

        private func loadCoupons() -> [RESPArgument] {
            let values = ["3", "6"].flatMap { [digest, "10", $0, "", "", "active"] }
            let names = coupons.prefix(2).map { keys.coupon($0) }
            return Script.loadCoupon.evaluation(keys: [keys.fence, keys.shard] + names, arguments: ["\(epoch)"] + values)
                .asArguments
        }

        private func writeShard() -> [RESPArgument] {
            Script.writeShard.evaluation(
                keys: [keys.fence, keys.shard],
                arguments: ["\(epoch)", "\(control)", "\(7 * control)"]
            ).asArguments
        }

        private mutating func redeem(_ coupon: CouponID) -> [RESPArgument] {
            let count = Int.random(in: 1...4, using: &random)
            let requests = (0..<count).map { _ in users.randomElement(using: &random)! }
            let tails = (0..<count).map { _ in UUIDv7.Tail(high: 0, low: UInt64.random(in: 1...3, using: &random)) }
            let digests = (0..<count).map { _ in random.chance(5) ? String(repeating: "0", count: 64) : digest }
            let redemptions = requests.flatMap(\.uuid.bytes) + tails.flatMap { Array($0.base64URL.utf8) }
            let all = [keys.coupon(coupon), keys.outbox, keys.users] + requests.map { _ in keys.session(session) }
            let head = ["EVALSHA", Script.redeem.sha1(in: simulated.id), "\(all.count)"] + all
            return (head + ["1000000", "1000000", random.chance(50) ? "1" : "1000"]).asArguments + [.bytes(redemptions)]
                + (Set(digests).count == 1 ? [digests[0]] : digests).asArguments
        }

        private mutating func settle() -> [String] {
            let entries = simulated.stream(keys.outbox)?.entries ?? []
            let first = entries.first?.id ?? StreamID(milliseconds: 1, sequence: 1)
            let last = entries.prefix(3).last?.id ?? first
            let next = StreamID(milliseconds: last.milliseconds, sequence: last.sequence + 1)
            let named = random.chance(10) ? StreamID(milliseconds: 1, sequence: 1) : first
            return Script.settle.call(keys: [keys.outbox, keys.shard], arguments: ["\(epoch)", "\(named)", "\(next)"])
        }

        private mutating func apply(_ user: UserID, _ coupon: CouponID) -> [RESPArgument] {
            if let applied = simulated.hash(keys.shard)["control"].flatMap({ Int($0) }) { control = applied }
            let sequence = control + (random.chance(70) ? 1 : Int.random(in: 0...2, using: &random))
            let id = RESPArgument.bytes(user.uuid.bytes)
            var targets = [keys.coupon(coupon)]
            var change: [RESPArgument]
            switch Int.random(in: 0..<7, using: &random) {
            case 0: (targets, change) = ([keys.users], ["credit_granted", "10"].asArguments + [id])
            case 1: change = ["coupon_state", random.chance(30) ? "paused" : "active"].asArguments
            case 2: change = ["coupon_restocked", "2"].asArguments
            case 3: change = ["coupon_created", digest, "10", "3", "", "", "active"].asArguments
            case 4: (targets, change) = ([keys.shard], [.text("shard_rebuild")])
            case 5:
                let stored = simulated.record(keys.users, user)?.redemptions[coupon]?.uuid ?? UUIDv7(milliseconds: 1)
                targets = [keys.users, keys.coupon(coupon)]
                change = ["redemption_dropped", stored.base64URL, "10"].asArguments + [id]
            default: (targets, change) = ([keys.shard], [.text("user_sessions_revoked")])
            }
            return Script.applyControl.call(
                keys: [keys.shard] + targets,
                arguments: ["\(epoch)", "\(max(1, sequence))", "\(7 * sequence)"].asArguments + change
            )
        }
    }
}
