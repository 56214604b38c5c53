/// The state of a pool: its idle connections, and the callers that wait for one. It is a value: it decides, and `PostgresClient` acts.
///
/// A *permit* is the right to have a connection, with or without an open one. At most `capacity` permits are out.
struct PoolState<Connection, Waiter> {
    enum Acquired {
        /// `nil`: the holder opens a connection itself.
        case permit(Connection?)
        case wait
        case tooManyWaiters
        case closed
    }

    enum Released {
        case handOver(Waiter, Connection?)
        case idle
        /// The pool is closing: drop the connection. `last`: every permit is back.
        case drop(last: Bool)
    }

    private let capacity: Int
    private let maximumWaiters: Int
    private var permitsOut = 0
    /// The connection used last is lent first, so that connections that are not needed stay idle.
    private var idle: [Connection] = []
    private var waiters: [Int: Waiter] = [:]
    /// Ids in the order of arrival. Ids of waiters that have given up stay in it for a while.
    private var queue: ArraySlice<Int> = []
    private var isClosing = false

    init(capacity: Int, maximumWaiters: Int) {
        precondition(capacity >= 1)
        self.capacity = capacity
        self.maximumWaiters = maximumWaiters
    }

    mutating func acquire() -> Acquired {
        if isClosing { return .closed }
        if permitsOut < capacity {
            permitsOut += 1
            return .permit(idle.popLast())
        }
        return waiters.count < maximumWaiters ? .wait : .tooManyWaiters
    }

    /// Adds a waiter. Call it when `acquire` has returned `wait`, under the same lock.
    mutating func enqueue(_ waiter: Waiter, id: Int) {
        waiters[id] = waiter
        queue.append(id)
    }

    /// Removes a waiter that gives up; `nil`: it has its permit already.
    mutating func giveUp(id: Int) -> Waiter? {
        let waiter = waiters.removeValue(forKey: id)
        // The queue is cleared of waiters that gave up once they are more than half of it; until then they are skipped in their turn.
        if queue.count > 2 * waiters.count + 16 { queue = ArraySlice(queue.filter { waiters[$0] != nil }) }
        return waiter
    }

    /// Gives a permit back; `connection` is `nil` where it is lost.
    mutating func release(_ connection: Connection?) -> Released {
        precondition(permitsOut > 0)
        if isClosing {
            permitsOut -= 1
            return .drop(last: permitsOut == 0)
        }
        while let id = queue.popFirst() {
            guard let waiter = waiters.removeValue(forKey: id) else { continue }
            return .handOver(waiter, connection)
        }
        permitsOut -= 1
        if let connection { idle.append(connection) }
        return .idle
    }

    /// Closes the pool. Returns the waiters to refuse, and the idle connections to close.
    mutating func close() -> (refused: [Waiter], idle: [Connection], last: Bool) {
        isClosing = true
        defer {
            waiters = [:]
            queue = []
            idle = []
        }
        return (Array(waiters.values), idle, permitsOut == 0)
    }
}
