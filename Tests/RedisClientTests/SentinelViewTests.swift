import Testing

@testable import RedisClient

@Suite struct SentinelViewTests {
    private let a = RedisEndpoint.Node(host: "a", port: 1)
    private let b = RedisEndpoint.Node(host: "b", port: 1)

    private func learn(_ view: inout SentinelView, _ answers: (RedisEndpoint.Node, Int)...) -> RedisEndpoint.Node? {
        view.learn(answers.map { SentinelView.Answer(primary: $0.0, epoch: $0.1) })?.primary
    }

    @Test func theLatestFailoverCounts() {
        var view = SentinelView(sentinels: 3)
        #expect(learn(&view) == nil)
        #expect(learn(&view, (a, 1)) == a, "one Sentinel is enough")
        #expect(learn(&view, (a, 1), (b, 2), (a, 1)) == b, "two have not heard yet")
        #expect(learn(&view) == nil)
        #expect(view.current?.primary == b)
    }

    @Test func aSentinelThatMissedAFailoverIsNotFollowed() {
        var view = SentinelView(sentinels: 3)
        #expect(learn(&view, (b, 2)) == b)
        #expect(learn(&view, (a, 1)) == nil)
        #expect(view.current?.primary == b)
        #expect(learn(&view, (b, 2), (a, 1)) == b)
        #expect(learn(&view, (a, 1), (a, 0)) == a, "a majority was set up again")
        #expect(learn(&view, (a, 1)) == a)
    }

    @Test func readsWhatSentinelsAnswer() throws {
        let address = RESPValue.array([.string("10.0.0.1"), .string("6379")])
        let details = RESPValue.array(["name", "x", "config-epoch", "7", "flags", "master"].map { .string($0) })
        let answer = try SentinelView.Answer([address, details], primary: "x")
        #expect(answer == SentinelView.Answer(primary: RedisEndpoint.Node(host: "10.0.0.1", port: 6379), epoch: 7))
        for replies in [
            [.null, details], [address, .array([])], [address], [address, .error("ERR No such master with that name")],
        ] {
            let error = #expect(throws: RedisError.self) { try SentinelView.Answer(replies, primary: "x") }
            #expect(error?.message.contains("primary 'x'") == true || error?.message.contains("No such master") == true)
        }
    }
}
