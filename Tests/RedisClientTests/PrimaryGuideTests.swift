import Testing

@testable import RedisClient

@Suite struct PrimaryGuideTests {
    private let asked = RedisEndpoint.Node(host: "seed", port: 7000)

    @Test func readsWhatSentinelsAnswer() throws {
        let guide = PrimaryGuide.sentinels(primary: "x")
        let address = RESPValue.array([.string("10.0.0.1"), .string("6379")])
        let details = RESPValue.array(["name", "x", "config-epoch", "7", "flags", "master"].map { .string($0) })
        let testimony = try guide.testimony([address, details], of: asked)
        #expect(testimony.primary == PrimaryLocation(node: RedisEndpoint.Node(host: "10.0.0.1", port: 6379), epoch: 7))
        #expect(testimony.guides == nil)
        for replies in [
            [.null, details], [address, .array([])], [address], [address, .error("ERR No such master with that name")],
        ] {
            #expect(throws: RedisError.self) { try guide.testimony(replies, of: asked) }
        }
    }

    private func range(_ first: Int, _ last: Int, _ host: RESPValue, _ port: Int, _ id: String) -> RESPValue {
        let replica = RESPValue.array([.string("10.9.9.9"), .integer(1), .string("replica"), .array([])])
        return .array([.integer(first), .integer(last), .array([host, .integer(port), .string(id), .array([])]), replica])
    }

    private let nodes = RESPValue.string(
        """
        aa 10.0.0.1:7001@17001 myself,master - 0 0 3 connected 0-99
        bb 10.0.0.2:7002@17002,redis-2.example master - 0 1700000000000 12 connected 100-16383 [7-<-aa]
        cc 10.9.9.9:1@10001 slave aa 0 1700000000000 3 connected

        """
    )

    @Test(arguments: [(7, "10.0.0.1", 7001, 3), (100, "10.0.0.2", 7002, 12), (16_383, "10.0.0.2", 7002, 12)])
    func readsWhereASlotIs(slot: Int, host: String, port: Int, epoch: Int) throws {
        let slots = RESPValue.array([
            range(0, 99, .string("10.0.0.1"), 7001, "aa"), range(100, 16_383, .string("10.0.0.2"), 7002, "bb"),
        ])
        let testimony = try PrimaryGuide.cluster(HashSlot(slot)).testimony([slots, nodes], of: asked)
        #expect(testimony.primary == PrimaryLocation(node: RedisEndpoint.Node(host: host, port: port), epoch: epoch))
        #expect(testimony.guides?.map(\.port) == [7001, 7002])
        #expect(testimony.witness == "aa" && testimony.voters == ["aa", "bb"])
    }

    /// A node with two addresses is one voter, and a replica is none.
    @Test(arguments: [
        (["aa"], false), (["aa", "aa"], false), (["aa", "replica", nil], false), (["aa", "bb"], true),
        (["cc", "bb", "aa"], true),
    ])
    func aMajorityIsOneOfVoters(witnesses: [String?], isOne: Bool) {
        let answers = witnesses.map { witness in
            // The last one that knows of more voters is behind.
            let (epoch, voters) = witness == "cc" ? (1, Set(["aa", "dd", "ee", "ff"])) : (2, ["aa", "bb", "cc"])
            return PrimaryGuide.Testimony(
                primary: PrimaryLocation(node: asked, epoch: epoch),
                guides: nil,
                witness: witness,
                voters: voters
            )
        }
        #expect(PrimaryGuide.cluster(HashSlot(7)).isMajority(answers, of: 6) == isOne)
    }

    @Test func aMajorityOfSentinelsIsOneOfThoseNamed() {
        let answer = PrimaryGuide.Testimony(primary: PrimaryLocation(node: asked, epoch: 1), guides: nil)
        let guide = PrimaryGuide.sentinels(primary: "x")
        #expect(!guide.isMajority([answer], of: 2) && guide.isMajority([answer, answer], of: 3))
    }

    /// A node that does not know its own address, or whose announced name nobody has set.
    @Test(arguments: [RESPValue.null, .string(""), .string("?")])
    func takesTheHostThatWasAsked(host: RESPValue) throws {
        let slots = RESPValue.array([range(0, 16_383, host, 7001, "aa")])
        let testimony = try PrimaryGuide.cluster(HashSlot(5)).testimony([slots, nodes], of: asked)
        #expect(testimony.primary.node == RedisEndpoint.Node(host: "seed", port: 7001))
    }

    @Test func tellsWhyAClusterDoesNotAnswer() {
        let guide = PrimaryGuide.cluster(HashSlot(500))
        let gap = RESPValue.array([range(0, 99, .string("10.0.0.1"), 7001, "aa")])
        let stranger = RESPValue.array([range(0, 16_383, .string("10.0.0.3"), 7003, "dd")])
        for (replies, text) in [
            ([gap, nodes], "no node of the cluster has slot 500"), ([stranger, nodes], "epoch of node dd"),
            ([.array([.integer(1)]), nodes], "cannot be read"), ([.null, nodes], "no list"),
            ([.error("ERR This instance has cluster support disabled"), nodes], "cluster support disabled"),
        ] {
            let error = #expect(throws: RedisError.self) { try guide.testimony(replies, of: asked) }
            #expect(error?.message.contains(text) == true, "\(text): \(String(describing: error))")
        }
    }
}
