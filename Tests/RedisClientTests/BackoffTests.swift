import Testing

@testable import RedisClient

@Suite struct BackoffTests {
    @Test func doublesUpToTheLimit() {
        var backoff = Backoff(first: .milliseconds(50), limit: .milliseconds(180))
        #expect((0..<4).map { _ in backoff.next() } == [50, 100, 180, 180].map { .milliseconds($0) })
        backoff.reset()
        #expect(backoff.next() == .milliseconds(50))
    }

    @Test func chanceTakesUpToHalf() {
        var backoff = Backoff(first: .milliseconds(40), limit: .milliseconds(100))
        #expect([0, 0.5, 1].map { backoff.next(chance: $0) } == [20, 60, 100].map { .milliseconds($0) })
    }

    @Test func theLimitHoldsForTheFirstPauseToo() {
        var backoff = Backoff(first: .milliseconds(300), limit: .milliseconds(100))
        #expect(backoff.next() == .milliseconds(100))
    }
}
