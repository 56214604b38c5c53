import Testing

@testable import PostgresClient

/// Transcripts of the pool's decisions, without any connection.
@Suite struct PoolStateTests {
    private typealias Pool = PoolState<String, Int>

    private func text(_ acquired: Pool.Acquired) -> String {
        switch acquired {
        case .permit(let connection): "permit \(connection ?? "new")"
        case .wait: "wait"
        case .tooManyWaiters: "too many"
        case .closed: "closed"
        }
    }

    private func text(_ released: Pool.Released) -> String {
        switch released {
        case .handOver(let waiter, let connection): "hand over to \(waiter): \(connection ?? "new")"
        case .idle: "idle"
        case .drop(let last): last ? "drop last" : "drop"
        }
    }

    @Test func connectionsAreLentLastUsedFirst() {
        var pool = Pool(capacity: 2, maximumWaiters: 1)
        #expect(text(pool.acquire()) == "permit new")
        #expect(text(pool.acquire()) == "permit new")
        #expect(text(pool.acquire()) == "wait")
        pool.enqueue(1, id: 1)
        #expect(text(pool.acquire()) == "too many")
        #expect(text(pool.release("a")) == "hand over to 1: a")
        #expect(text(pool.release("b")) == "idle")
        #expect(text(pool.release("a")) == "idle")
        #expect(text(pool.acquire()) == "permit a")
        #expect(text(pool.acquire()) == "permit b")
    }

    @Test func whoeverHoldsABrokenConnectionGivesTheRightToANewOne() {
        var pool = Pool(capacity: 1, maximumWaiters: 5)
        #expect(text(pool.acquire()) == "permit new")
        pool.enqueue(1, id: 1)
        #expect(text(pool.release(nil)) == "hand over to 1: new")
        #expect(text(pool.release(nil)) == "idle")
        #expect(text(pool.acquire()) == "permit new")
    }

    @Test func thoseWhoGaveUpAreSkipped() {
        var pool = Pool(capacity: 1, maximumWaiters: 100)
        #expect(text(pool.acquire()) == "permit new")
        for id in 1...100 { pool.enqueue(id, id: id) }
        #expect(text(pool.acquire()) == "too many")
        for id in 1...99 { #expect(pool.giveUp(id: id) == id) }
        #expect(pool.giveUp(id: 1) == nil)
        #expect(text(pool.acquire()) == "wait")
        #expect(text(pool.release("a")) == "hand over to 100: a")
        #expect(pool.giveUp(id: 100) == nil)
        #expect(text(pool.release("a")) == "idle")
    }

    @Test func closingRefusesAndWaitsForTheLast() {
        var pool = Pool(capacity: 2, maximumWaiters: 5)
        _ = pool.acquire()
        _ = pool.acquire()
        pool.enqueue(7, id: 7)
        let closing = pool.close()
        #expect(closing.refused == [7])
        #expect(!closing.last)
        #expect(text(pool.acquire()) == "closed")
        #expect(text(pool.release("a")) == "drop")
        #expect(text(pool.release("b")) == "drop last")
        let again = pool.close()
        #expect(again.last)
        #expect(again.idle.isEmpty)
    }
}
