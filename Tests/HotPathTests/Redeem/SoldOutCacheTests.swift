import NIOCore
import Testing

@testable import HotPath

@Suite struct SoldOutCacheTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func holdsFromTheMomentItWasAskedUntilItIsTooOld() {
        var cache = SoldOutCache<String>(age: .milliseconds(100), limit: 2)
        #expect(!cache.holds("tea", now: start))
        cache.learn("tea", asked: start)
        #expect(cache.holds("tea", now: start + .milliseconds(99)))
        #expect(!cache.holds("tea", now: start + .milliseconds(100)))
        #expect(!cache.holds("cake", now: start))
        cache.learn("tea", asked: start + .milliseconds(90))
        #expect(cache.holds("tea", now: start + .milliseconds(189)))
        cache.forget("tea")
        #expect(!cache.holds("tea", now: start + .milliseconds(91)))
    }

    @Test func whatIsTooOldMakesRoom() {
        var cache = SoldOutCache<Int>(age: .milliseconds(100), limit: 2)
        cache.learn(1, asked: start)
        cache.learn(2, asked: start + .milliseconds(50))
        cache.learn(3, asked: start + .milliseconds(60))
        #expect(!cache.holds(3, now: start + .milliseconds(61)))
        cache.learn(3, asked: start + .milliseconds(100))
        #expect(cache.holds(2, now: start + .milliseconds(101)))
        #expect(cache.holds(3, now: start + .milliseconds(101)))
    }

    @Test func withoutAgeNothingHolds() {
        var cache = SoldOutCache<Int>(age: .zero, limit: 2)
        cache.learn(1, asked: start)
        #expect(!cache.holds(1, now: start))
    }
}
