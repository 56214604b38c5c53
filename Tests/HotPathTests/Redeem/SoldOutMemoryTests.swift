import NIOCore
import Testing

@testable import HotPath

@Suite struct SoldOutMemoryTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test func holdsFromTheMomentItWasAskedUntilItIsTooOld() {
        var memory = SoldOutMemory<String>(age: .milliseconds(100), limit: 2)
        #expect(!memory.holds("tea", now: start))
        memory.learn("tea", asked: start)
        #expect(memory.holds("tea", now: start + .milliseconds(99)))
        #expect(!memory.holds("tea", now: start + .milliseconds(100)))
        #expect(!memory.holds("cake", now: start))
        memory.learn("tea", asked: start + .milliseconds(90))
        #expect(memory.holds("tea", now: start + .milliseconds(189)))
        memory.forget("tea")
        #expect(!memory.holds("tea", now: start + .milliseconds(91)))
    }

    @Test func whatIsTooOldMakesRoom() {
        var memory = SoldOutMemory<Int>(age: .milliseconds(100), limit: 2)
        memory.learn(1, asked: start)
        memory.learn(2, asked: start + .milliseconds(50))
        memory.learn(3, asked: start + .milliseconds(60))
        #expect(!memory.holds(3, now: start + .milliseconds(61)))
        memory.learn(3, asked: start + .milliseconds(100))
        #expect(memory.holds(2, now: start + .milliseconds(101)))
        #expect(memory.holds(3, now: start + .milliseconds(101)))
    }

    @Test func withoutAgeNothingHolds() {
        var memory = SoldOutMemory<Int>(age: .zero, limit: 2)
        memory.learn(1, asked: start)
        #expect(!memory.holds(1, now: start))
    }
}
