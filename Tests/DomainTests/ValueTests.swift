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

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56.789Z", 951_827_696_789), ("2030-06-01T10:00:00z", 1_906_538_400_000),
        ("2030-06-01t12:30:00+02:30", 1_906_538_400_000), ("2030-05-31T23:00:00.5-11:00", 1_906_538_400_500),
        ("9999-12-31T23:59:59.9999Z", 253_402_300_799_999), ("1970-01-01T01:00:00+01:00", 0),
    ])
    func moments(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "2030", "2030-06-01", "2030-06-01T10:00:00", "2030-06-01 10:00:00Z", "2030-6-1T10:00:00Z", "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2000-02-30T00:00:00Z", "2100-02-29T00:00:00Z",
        "2030-04-31T00:00:00Z",
        "2030-13-01T00:00:00Z", "2030-00-01T00:00:00Z", "2030-06-00T00:00:00Z", "2030-06-01T24:00:00Z", "2030-06-01T10:60:00Z",
        "2030-06-01T10:00:60Z", "2030-06-01T10:00:00.Z", "2030-06-01T10:00:00+24:00", "2030-06-01T10:00:00+0100",
        "2030-06-01T10:00:00Z ", "2030-06-01T10:00:00Z\0", "+2030-06-01T10:00:00Z", "10000-01-01T00:00:00Z",
        "２030-06-01T10:00:00Z",
        "9999-12-31T23:59:59-00:01",
    ])
    func noMoments(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}
