import Testing

@testable import RedisClient

@Suite struct PrimaryViewTests {
    private let a = RedisEndpoint.Node(host: "a", port: 1)
    private let b = RedisEndpoint.Node(host: "b", port: 1)

    private func learn(_ view: inout PrimaryView, _ answers: (RedisEndpoint.Node, Int)...) -> RedisEndpoint.Node? {
        view.learn(answers.map { PrimaryLocation(node: $0.0, epoch: $0.1) }, isMajority: answers.count > 1)?.node
    }

    /// As where each node of a cluster leaves it to the one who asks under which host it is reached.
    @Test func twoNamesForOnePlaceAreNoMove() {
        var view = PrimaryView()
        #expect(learn(&view, (a, 1)) == a)
        #expect(learn(&view, (a, 1), (b, 1)) == a)
        #expect(learn(&view, (b, 1), (a, 1)) == a)
        #expect(learn(&view, (b, 1)) == b, "the other name is all that is left")
        #expect(learn(&view, (a, 1), (b, 1)) == b)
    }

    @Test func theLatestFailoverCounts() {
        var view = PrimaryView()
        #expect(learn(&view) == nil)
        #expect(learn(&view, (a, 1)) == a, "one Sentinel is enough")
        #expect(learn(&view, (a, 1), (b, 2), (a, 1)) == b, "two have not heard yet")
        #expect(learn(&view) == nil)
        #expect(view.current?.node == b)
    }

    @Test func aSentinelThatMissedAFailoverIsNotFollowed() {
        var view = PrimaryView()
        #expect(learn(&view, (b, 2)) == b)
        #expect(learn(&view, (a, 1)) == nil)
        #expect(view.current?.node == b)
        #expect(learn(&view, (b, 2), (a, 1)) == b)
        #expect(learn(&view, (a, 1), (a, 0)) == a, "a majority was set up again")
        #expect(learn(&view, (a, 1)) == a)
    }
}
