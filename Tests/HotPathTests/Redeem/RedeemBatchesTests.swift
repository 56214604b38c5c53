import Domain
import NIOCore
import Testing

@testable import HotPath

/// The state machine alone: what arrives, what is to be done.
@Suite struct RedeemBatchesTests {
    typealias Batches = RedeemBatches<Int>

    let x = Batches.Line(shard: Shard(index: 0), coupon: CouponID("x")!)
    let y = Batches.Line(shard: Shard(index: 0), coupon: CouponID("y")!)
    let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func batches(batch: Int = 64, calls: Int = 1, waiting: Int = 100) -> Batches {
        Batches(batchLimit: batch, callLimit: calls, waitingLimit: waiting, waitLimit: .seconds(1))
    }

    @Test func aLoneRequestIsSentAtOnce() {
        var batches = batches()
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.answered(1, of: x, now: now).batch.isEmpty)
        #expect(batches.arrived(2, in: x, now: now) == .send([2]))
    }

    @Test func whatWaitsGoesTogetherWhenTheCallReturns() {
        var batches = batches(batch: 3)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        for request in 2...6 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.waitingCount == 5)
        #expect(batches.answered(1, of: x, now: now).batch == [2, 3, 4])
        #expect(batches.arrived(7, in: x, now: now) == .wait)
        #expect(batches.answered(3, of: x, now: now).batch == [5, 6, 7])
        #expect(batches.answered(3, of: x, now: now).batch == [])
        #expect(batches.waitingCount == 0)
    }

    @Test func aFullCallWaitsForNothing() {
        var batches = batches(batch: 3, calls: 3)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        for request in [2, 3] { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(4, in: x, now: now) == .send([2, 3, 4]))
        for request in [5, 6] { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(7, in: x, now: now) == .send([5, 6, 7]))
        // As many are in flight as may be.
        for request in 8...11 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.waitingCount == 4)
        #expect(batches.answered(1, of: x, now: now).batch == [8, 9, 10])
        // What does not fill a call goes when nothing is in flight.
        #expect(batches.answered(3, of: x, now: now).batch == [])
        #expect(batches.arrived(12, in: x, now: now) == .wait)
        #expect(batches.answered(3, of: x, now: now).batch == [])
        #expect(batches.answered(3, of: x, now: now).batch == [11, 12])
        #expect(batches.answered(2, of: x, now: now).batch == [])
        #expect(batches.waitingCount == 0)
        #expect(batches.arrived(13, in: x, now: now) == .send([13]))
    }

    @Test func whatWaitsLeavesOnceItIsHalfOfWhatIsUnderWay() {
        var batches = batches(calls: 16)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        // Fewer than eight are not worth a call beside others.
        for request in 2...8 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(9, in: x, now: now) == .send(Array(2...9)))
        for request in 10...17 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(18, in: x, now: now) == .send(Array(10...18)))
        for request in 19...35 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(36, in: x, now: now) == .send(Array(19...36)))
    }

    @Test func whatIsAnsweredIsStillOfTheLoad() {
        var batches = batches(calls: 16)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        for request in 2...18 { _ = batches.arrived(request, in: x, now: now) }
        for request in 19...28 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        // In flight were 1, 8 and 9, and ten waited: 28. Clients that were answered are about to ask again.
        #expect(batches.answered(1, of: x, now: now).batch == [])
        #expect(batches.answered(8, of: x, now: now).batch == [])
        for request in 29...31 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(32, in: x, now: now) == .send(Array(19...32)))
    }

    @Test func aLoadThatIsOverIsForgotten() {
        var batches = batches(calls: 16)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        var sizes: [Int] = []
        func next() -> Int {
            while true {
                if case .send(let next) = batches.arrived(0, in: x, now: now) { return next.batch.count }
            }
        }
        for _ in 0..<4 { sizes.append(next()) }
        #expect(sizes == [8, 9, 18, 36])
        for size in sizes { #expect(batches.answered(size, of: x, now: now).batch.isEmpty) }
        // From now on one call at a time beside the first.
        sizes = (0..<40).map { _ in
            let size = next()
            #expect(batches.answered(size, of: x, now: now).batch.isEmpty)
            return size
        }
        #expect(sizes.first == 34)
        #expect(sizes == sizes.sorted(by: >))
        #expect(sizes.last == 8)
    }

    @Test func oneOfSeveralCallsFails() {
        var batches = batches(batch: 2, calls: 2)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.arrived(2, in: x, now: now) == .wait)
        #expect(batches.arrived(3, in: x, now: now) == .send([2, 3]))
        for request in 4...6 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.failed(1, of: x) == [4, 5, 6])
        #expect(batches.waitingCount == 0)
        #expect(batches.arrived(7, in: x, now: now) == .wait)
        #expect(batches.failed(2, of: x) == [7])
        #expect(batches.arrived(8, in: x, now: now) == .send([8]))
    }

    @Test func couponsDoNotWaitForEachOther() {
        var batches = batches()
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.arrived(2, in: y, now: now) == .send([2]))
        #expect(batches.arrived(3, in: y, now: now) == .wait)
        let elsewhere = Batches.Line(shard: Shard(index: 1), coupon: x.coupon)
        #expect(batches.arrived(4, in: elsewhere, now: now) == .send([4]))
        #expect(batches.answered(1, of: y, now: now).batch == [3])
    }

    @Test func waitingIsBoundedOverAllCoupons() {
        var batches = batches(waiting: 2)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.arrived(2, in: y, now: now) == .send([2]))
        #expect(batches.arrived(3, in: x, now: now) == .wait)
        #expect(batches.arrived(4, in: y, now: now) == .wait)
        #expect(batches.arrived(5, in: x, now: now) == .refuse)
        // What can be sent need not wait.
        let other = Batches.Line(shard: Shard(index: 0), coupon: CouponID("z")!)
        #expect(batches.arrived(6, in: other, now: now) == .send([6]))
        #expect(batches.answered(1, of: x, now: now).batch == [3])
        #expect(batches.arrived(7, in: x, now: now) == .wait)
    }

    @Test func whoWaitedTooLongIsNotSent() {
        var batches = batches(batch: 2)
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.arrived(2, in: x, now: now) == .wait)
        #expect(batches.arrived(3, in: x, now: now) == .wait)
        for request in 4...6 { #expect(batches.arrived(request, in: x, now: now + .milliseconds(500)) == .wait) }
        // The place of those who are late is not lost to the batch.
        let next = batches.answered(1, of: x, now: now + .milliseconds(1001))
        #expect(next.expired == [2, 3])
        #expect(next.batch == [4, 5])
        #expect(batches.waitingCount == 1)
        let last = batches.answered(2, of: x, now: now + .seconds(9))
        #expect(last.expired == [6])
        #expect(last.batch == [])
        #expect(batches.arrived(7, in: x, now: now) == .send([7]))
    }

    @Test func aFailedCallTakesThoseWhoWaitWithIt() {
        var batches = batches()
        #expect(batches.arrived(1, in: x, now: now) == .send([1]))
        #expect(batches.arrived(2, in: y, now: now) == .send([2]))
        for request in 3...5 { #expect(batches.arrived(request, in: x, now: now) == .wait) }
        #expect(batches.arrived(6, in: y, now: now) == .wait)
        #expect(batches.failed(1, of: x) == [3, 4, 5])
        #expect(batches.waitingCount == 1)
        #expect(batches.arrived(7, in: x, now: now) == .send([7]))
    }
}

extension RedeemBatches<Int>.Arrival {
    /// Nothing of what is sent has waited too long.
    fileprivate static func == (arrival: Self, expected: Expected) -> Bool {
        switch (arrival, expected) {
        case (.send(let next), .send(let batch)): next.batch == batch && next.expired.isEmpty
        case (.wait, .wait), (.refuse, .refuse): true
        case (.send, _), (.wait, _), (.refuse, _): false
        }
    }

    fileprivate enum Expected {
        case send([Int])
        case wait
        case refuse
    }
}
