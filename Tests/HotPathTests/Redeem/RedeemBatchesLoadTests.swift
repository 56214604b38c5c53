import Testing

/// The state machine between clients that ask again once they are answered and one Redis, in a time of its own.
///
/// Redis takes calls in turn: a fixed part for each call, and a part for each request in it. The server reads, and writes answers,
/// one request after the other.
@Suite struct RedeemBatchesLoadTests {
    @Test(arguments: [1, 2, 3, 4, 8, 16, 64, 256, 1024, 4096])
    func everybodyIsAnsweredInTheOrderOfArrival(clients: Int) {
        var run = LoadedBatches(clients: clients)
        run.go(answers: 10 * clients + 400)
        #expect(run.sent == run.sent.sorted())
        // Nobody is passed over: the number of answers of two clients never differs by more than those of a few calls.
        #expect(run.answersByClient.max()! - run.answersByClient.min()! <= 4)
    }

    @Test func aLoneClientNeverWaits() {
        var run = LoadedBatches(clients: 1)
        run.go(answers: 100)
        #expect(run.sizes.allSatisfy { $0 == 1 })
        #expect(run.time == 100 * (10_000 + 35_000 + 10_000 + 10_000))
    }

    static let slowLoop = LoadedBatches.Costs()
    static let slowRedis = LoadedBatches.Costs(read: 3_000, write: 3_000)
    static let even = LoadedBatches.Costs(read: 7_000, write: 7_000)

    /// Who is the slowest never waits for the others, whichever it is: event loop and Redis work at the same time.
    @Test(arguments: [slowLoop, slowRedis, even], [16, 64, 256, 1024])
    func theSlowestNeverWaits(costs: LoadedBatches.Costs, clients: Int) {
        var run = LoadedBatches(clients: clients, costs: costs)
        run.go(answers: 100 * clients + 10_000)
        #expect(Double(max(run.loopWorked, run.redisWorked)) > 0.9 * Double(run.time))
    }

    /// The sizes settle, and stay: no call of the later half is more than double the size of its neighbour, but for calls of up to eight.
    /// These are of what came while a call was away, where Redis waits for the loop anyway.
    @Test(arguments: [slowLoop, slowRedis, even], [16, 64, 256, 1024])
    func sizesDoNotSwing(costs: LoadedBatches.Costs, clients: Int) {
        var run = LoadedBatches(clients: clients, costs: costs)
        run.go(answers: 100 * clients + 10_000)
        let later = run.sizes.suffix(run.sizes.count / 2)
        for (size, next) in zip(later, later.dropFirst()) where max(size, next) > max(8, 2 * min(size, next) + 1) {
            Issue.record("a call of \(next) follows one of \(size)")
        }
    }

    /// Where Redis is what takes longest, all wait for it, so calls are as large as they may be.
    @Test func aFewCallsAreUnderWayUntilTheyAreFull() {
        var run = LoadedBatches(clients: 64, costs: Self.slowRedis)
        run.go(answers: 10_000)
        #expect((2...6).contains(run.callsUnderWay.suffix(run.callsUnderWay.count / 2).max()!))

        run = LoadedBatches(clients: 4096, costs: Self.slowRedis)
        run.go(answers: 40_000)
        #expect(run.sizes.suffix(run.sizes.count / 2).allSatisfy { $0 == 64 })
    }
}
