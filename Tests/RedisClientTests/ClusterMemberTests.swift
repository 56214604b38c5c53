import Testing

@testable import RedisClient

@Suite struct ClusterMemberTests {
    @Test func readsEachLine() {
        let text = """
            aa 10.0.0.1:7001@17001 myself,master - 0 0 3 connected 0-99 105 [200->-bb] [77-<-bb]
            bb ::1:7002@17002,redis-2.example master,fail - 0 1700000000000 12 disconnected 100-104 106-16383
            cc 10.9.9.9:1@10001 slave aa 0 1700000000000 3 connected
            dd 10.9.9.8:1@10001 handshake - 0 0 0 connected
            ee :0@0 slave,noaddr aa 0 0 3 disconnected
            what is this
            """
        let members = ClusterMember.all(in: .string(text))
        #expect(members.map(\.id) == ["aa", "bb", "cc"])
        #expect(members[0].slots == [0...99, 105...105] && members[0].openSlots == [200, 77] && members[0].isPrimary)
        #expect(members[1].node == RedisEndpoint.Node(host: "::1", port: 7002) && members[1].isDown && members[1].epoch == 12)
        #expect(members[1].slots == [100...104, 106...16_383])
        #expect(members.map(\.isAsked) == [true, false, false])
        #expect(!members[2].isPrimary && members[2].slots.isEmpty)
        #expect(ClusterMember.all(in: .null).isEmpty)
    }

    @Test func isReachedWhereClientsAreToReachIt() {
        let nodes =
            "aa 10.0.0.1:1@2 myself,master - 0 0 3 connected 0\nbb :2@3 slave aa 0 0 3 connected\ncc :3@4 master - 0 0 1 connected"
        func place(_ host: RESPValue, _ port: Int, _ id: String) -> RESPValue {
            .array([host, .integer(port), .string(id), .array([])])
        }
        let slots = RESPValue.array([
            .array([.integer(0), .integer(0), place(.string("one.example"), 1, "aa"), place(.null, 2, "bb")]), .null,
        ])
        let members = ClusterMember.all(in: .string(nodes), slots: slots, host: "seed")
        #expect(members.map(\.node.description) == ["one.example:1", "seed:2", "seed:3"])
    }
}
