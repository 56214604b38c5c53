import Domain
import Testing

@Suite struct ValueTests {
    @Test func couponIDs() {
        for good in ["a", "0", "summer-2030_x", String(repeating: "x", count: Limits.couponIDLength)] {
            #expect(CouponID(good)?.description == good)
        }
        for bad in ["", "-a", "_a", "A", "a b", "a{s0}", "a:b", "ä", String(repeating: "x", count: Limits.couponIDLength + 1)] {
            #expect(CouponID(bad) == nil, "\(bad)")
        }
    }

    @Test func usernames() {
        for good in ["a", "Jo.O'x".replacing("'", with: "_"), "jo@redeem-7+x"] { #expect(Username.isValid(good), "\(good)") }
        for bad in ["", ".a", "a b", "jö", String(repeating: "x", count: 65)] { #expect(!Username.isValid(bad), "\(bad)") }
    }

    @Test func streamIDsAreOrderedByTimeThenSequence() throws {
        let ids = try ["0-0", "5-9", "5-10", "18446744073709551615-0"].map { try #require(StreamID($0)) }
        #expect(ids.sorted() == ids)
        #expect(ids.map(\.description) == ["0-0", "5-9", "5-10", "18446744073709551615-0"])
        for bad in ["", "5", "5-", "-5", "5-5-5", "a-1", "5-18446744073709551616"] { #expect(StreamID(bad) == nil, "\(bad)") }
    }

    @Test func codeDigests() throws {
        let hex = String(repeating: "0f", count: 32)
        let digest = try #require(CodeDigest(hex: hex))
        #expect(digest.hex == hex)
        #expect("\(digest)" == "CodeDigest")
        #expect(CodeDigest(hex: String(hex.dropLast())) == nil)
        #expect(CodeDigest(hex: hex.dropLast() + "g") == nil)
        #expect(CodeDigest(bytes: [1, 2, 3]) == nil)
    }

    @Test func aUserHasOneShard() {
        let map = ShardMap(count: 4)
        let users = (0..<4_000).map { _ in UserID(uuid: UUIDv7(milliseconds: 1)) }
        let counts = Dictionary(users.map { (map.shard(of: $0), 1) }, uniquingKeysWith: +)
        #expect(counts.count == 4)
        #expect(counts.values.allSatisfy { (800...1_200).contains($0) })
        #expect(users.allSatisfy { map.shard(of: $0) == map.shard(of: $0) && ShardMap().shard(of: $0).tag == "{s0}" })
    }
}
