import Domain
import LuaScripts
import RedisClient
import TestSupport
import Testing

@testable import HotPath

/// What is held is looked for in the outbox: by millisecond, coupon, user and tail. Situations of which a script that is nearly right
/// would say something else; such scripts are tried too.
@Suite struct HeldTests {
    private static let time: UInt64 = 1_700_000_000_000
    private static let user = [UInt8](repeating: 0x11, count: 8) + [UInt8](repeating: 0x22, count: 8)
    private static let tail = "cAAAAAAAAAAAAA"

    /// Bytes and characters of others.
    private static func other(_ number: Int) -> (user: [UInt8], tail: String) {
        ([UInt8](repeating: UInt8(0x40 + number % 64), count: 16), "cB" + String(100_000_000_000 + number))
    }

    private static func blob(_ redemptions: [(user: [UInt8], tail: String)]) -> [UInt8] {
        redemptions.flatMap(\.user) + redemptions.flatMap { Array($0.tail.utf8) }
    }

    private static func id(_ time: UInt64, _ tail: String = tail) -> String {
        String(UUIDv7(milliseconds: time, tail: UUIDv7.Tail(high: 0, low: 0)).base64URL.prefix(8)) + tail
    }

    enum Situation: CaseIterable {
        case onlyEntry, firstOfManyOfItsMillisecond, notTheFirstOfItsEntry, laterThanTheFirstEntry
        case acrossTwoOthers, anotherTail, anotherCoupon, anotherEpoch, anotherMillisecond, emptyOutbox

        var held: Int {
            switch self {
            case .onlyEntry, .firstOfManyOfItsMillisecond, .notTheFirstOfItsEntry, .laterThanTheFirstEntry: 10
            case .acrossTwoOthers, .anotherTail, .anotherCoupon, .anotherEpoch, .anotherMillisecond, .emptyOutbox: 0
            }
        }
    }

    /// Makes it, with a user who has 90 available and one redemption of x.
    private func make(_ situation: Situation, _ shard: TestShard) async throws {
        let (user, tail, time) = (HeldTests.user, HeldTests.tail, HeldTests.time)
        var mine = tail
        func add(
            _ time: UInt64,
            _ sequence: Int,
            _ redemptions: [(user: [UInt8], tail: String)],
            _ coupon: String = "x",
            _ epoch: String = "1"
        )
            async throws
        {
            let head = [
                "XADD", shard.keys.outbox, "\(time)-\(sequence)", "epoch", epoch, "coupon", coupon, "price", "10", "redemptions",
            ]
            _ = try await shard.client.send(head.asArguments + [.bytes(HeldTests.blob(redemptions))], to: nil, deadline: nil)
        }
        switch situation {
        case .onlyEntry: try await add(time, 0, [(user, tail)])
        case .firstOfManyOfItsMillisecond:
            try await add(time, 0, [(user, tail)])
            for number in 1...250 { try await add(time, number, [HeldTests.other(number)]) }
        case .notTheFirstOfItsEntry: try await add(time, 0, [HeldTests.other(1), HeldTests.other(2), (user, tail)])
        case .laterThanTheFirstEntry:
            try await add(time - 1, 0, [HeldTests.other(1)])
            try await add(time, 0, [(user, tail)])
        case .acrossTwoOthers:
            let first = ([UInt8](repeating: 0x33, count: 8) + user.prefix(8), "cAAAAAAAAAAAAA")
            let second = (Array(user.suffix(8)) + [UInt8](repeating: 0x44, count: 8), "cBBBBBBBBBBBBB")
            try await add(time, 0, [first, second])
            mine = "AAAAAAAcBBBBBB"
        case .anotherTail: try await add(time, 0, [(user, "cBAAAAAAAAAAAA")])
        case .anotherCoupon: try await add(time, 0, [(user, tail)], "y")
        case .anotherEpoch: try await add(time, 0, [(user, tail)], "x", "0")
        case .anotherMillisecond: try await add(time + 1, 0, [(user, tail)])
        case .emptyOutbox: break
        }
        let record = UserRecord(available: 90, control: 0).bytes + Array(";x=\(HeldTests.id(time, mine))".utf8)
        let command = ["HSET", shard.keys.users].asArguments + [.bytes(user), .bytes(record)]
        _ = try await shard.client.send(command, to: nil, deadline: nil)
    }

    private func held(_ shard: TestShard, _ source: String) async throws -> Int? {
        let keys = [shard.keys.shard, shard.keys.users, shard.keys.outbox]
        let call = (["EVAL", source, "3"] + keys + ["credit"]).asArguments + [.bytes(HeldTests.user), .text("1000")]
        let values = try await shard.client.send(call, to: nil, deadline: nil).array ?? []
        #expect(values.first == .string("loaded") && values[1] == .string("90"))
        return values.last?.string.flatMap { Int($0) }
    }

    @Test(arguments: Situation.allCases)
    func isWhatTheOutboxHas(_ situation: Situation) async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            try await make(situation, shard)
            #expect(try await held(shard, Script.userState.source) == situation.held)
        }
    }

    struct Bug: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let right: String
        let wrong: String
        let shows: Situation
    }

    @Test(arguments: [
        Bug(
            testDescription: "bytes across two users are a user",
            right: "place % 1 == 0",
            wrong: "true",
            shows: .acrossTwoOthers
        ),
        Bug(
            testDescription: "the first entry's millisecond is left out",
            right: "time >= earliest",
            wrong: "time > earliest",
            shows: .onlyEntry
        ),
        Bug(
            testDescription: "one page of a millisecond",
            right: "#entries == page",
            wrong: "false",
            shows: .firstOfManyOfItsMillisecond
        ),
        Bug(
            testDescription: "any tail will do",
            right: "redemption and missing[redemption]",
            wrong: "redemption",
            shows: .anotherTail
        ),
        Bug(testDescription: "any coupon will do", right: "tail and fields[4]", wrong: "tail and 'x'", shows: .anotherCoupon),
        Bug(testDescription: "any epoch will do", right: "fields[2] == epoch and ", wrong: "", shows: .anotherEpoch),
        Bug(
            testDescription: "the first user of an entry only",
            right: "at <= users do",
            wrong: "at <= 16 do",
            shows: .notTheFirstOfItsEntry
        ),
        Bug(
            testDescription: "the first entry only",
            right: "call('XREVRANGE', outbox, to, from, 'COUNT', page)",
            wrong: "call('XRANGE', outbox, '-', '+', 'COUNT', 1)",
            shows: .laterThanTheFirstEntry
        ),
    ])
    func aScriptThatIsNearlyRightIsFound(_ bug: Bug) async throws {
        let parts = Script.userState.source.split(separator: bug.right, omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        try await withShard { shard in
            try await shard.open([.test()])
            try await make(bug.shows, shard)
            #expect(try await held(shard, parts.joined(separator: bug.wrong)) != bug.shows.held)
        }
    }

    /// After Redis's clock went back all entries are of one millisecond. It is read once, whatever the user has redeemed in it, and not
    /// beyond the limit: then what is behind it is not counted as held.
    @Test func oneLongMillisecondIsReadOnceAndToTheLimit() async throws {
        try await withShard { shard in
            let (x, y, limit) = (CouponID("x")!, CouponID("y")!, ShardStore.heldEntryLimit)
            try await shard.open([.test("x", price: 10), .test("y", price: 7)])
            let user = try await shard.addUser(credit: 100)
            let head = ["epoch", "1", "coupon", "x", "price", "10", "redemptions"].asArguments
            func addOthers(_ count: Int, at id: String) async throws {
                let commands = (0..<count).map { number in
                    [.text("XADD"), .text(shard.keys.outbox), .text(id)] + head + [
                        .bytes(HeldTests.blob([HeldTests.other(number)]))
                    ]
                }
                for reply in try await shard.client.pipeline(commands, to: nil, deadline: nil) { #expect(reply.string != nil) }
            }
            try await addOthers(1, at: "\(now() + 3_600_000)-0")
            for coupon in [x, y] { #expect(try await shard.decide(user.request(coupon)).code == .accepted) }
            let redemptions = try #require(try await shard.store.redemptions(of: user.id))
            #expect(redemptions.keys.sorted { "\($0)" < "\($1)" } == [x, y])
            #expect(Set(redemptions.values.map(\.uuid.milliseconds)).count == 1)

            // The more entries follow, the fewer of the two are among the newest of the limit.
            try await addOthers(limit / 2, at: "*")
            try await addOthers(limit - limit / 2 - 2, at: "*")
            for held in [17, 7, 0, 0] {
                try await shard("CONFIG", "RESETSTAT")
                #expect(try await shard.store.credit(of: user.id) == Credit(available: 83, held: held))
                let statistics = try await shard("INFO", "commandstats").info
                let pages = try #require(statistics["cmdstat_xrevrange"])
                #expect(pages.hasPrefix("calls=\(limit / 100),"), "\(pages)")
                #expect(try await shard.store.redemptions(of: user.id) == redemptions)
                try await addOthers(1, at: "*")
            }
            let reads = try await shard.store.readOutbox(after: .zero, count: limit * 2)
            #expect(try await shard.store.settle(shard.epoch, reads) == .settled)
            #expect(try await shard.store.credit(of: user.id) == Credit(available: 83, held: 0))
        }
    }

    /// Locks and the end of an epoch, of scripts that forget them.
    @Test func aForgottenLockIsFound() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            try await shard.edit(user.id) { $0.tries = .init(attempts: 0, since: 0, lockedUntil: now() + 600_000) }
            let x = CouponID("x")!
            #expect(try await shard.decide(user.request(x)).code == .tooManyAttempts)
            let right = "head, locked_until = 41, (read('>d', record, 34))"
            #expect(Script.redeem.source.contains(right))
            let source = Script.redeem.source.replacing(right, with: "head = 41")
            let keys = [shard.keys.coupon(x), shard.keys.outbox, shard.keys.users, shard.keys.session(user.session)]
            let redemptions = user.id.uuid.bytes + Array(UUIDv7.Tail.random().base64URL.utf8)
            let call = (["EVAL", source, "4"] + keys + ["10", "600000", "1000"]).asArguments
            let arguments: [RESPArgument] = [.bytes(redemptions), .text(CodeDigest.right.hex)]
            let reply = try await shard.client.send(call + arguments, to: nil, deadline: nil)
            #expect(reply.array?[2] == .string("a"))
        }
    }

    @Test func usersThatOutliveTheirEpochAreFound() async throws {
        try await withShard { shard in
            try await shard.open([.test()])
            let user = try await shard.addUser()
            let keys = [shard.keys.fence, shard.keys.outbox, shard.keys.shard, shard.keys.users, shard.keys.earlierShard]
            let right = "call('UNLINK', KEYS[2], KEYS[3], KEYS[4])"
            #expect(Script.beginEpoch.source.contains(right))
            let source = Script.beginEpoch.source.replacing(right, with: "call('UNLINK', KEYS[2], KEYS[3])")
            _ = try await shard.client.send(["EVAL", source, "5"] + keys + ["2"])
            #expect(try await shard.record(of: user.id) != nil)
            try await shard.store.beginEpoch(Epoch(3))
            #expect(try await shard.record(of: user.id) == nil)
        }
    }
}
