/// What the server allows its clients and itself. Each limit has its unit in its type or its name.
public struct ServerLimits: Sendable {
    /// Logins of one address that are being checked at once, so that one client cannot take all the threads that hash.
    public var loginsAtOncePerAddress = 6
    /// Bytes of a request's body.
    public var bodyBytes = 4096
    /// Bytes of all header fields together, and of one.
    public var headerBytes = 16 << 10
    public var headerFields = 100
    /// Client connections; further ones wait in the kernel's queue. There are fewer where the limit on open files is too low for
    /// these and what a server keeps (`FileBudget`).
    public var connections = 20_000
    /// Connections of the operations port. What is scraped and probed holds a few.
    public var operationsConnections = 32
    /// Files beside all connections: standard streams, the sockets that accept, those of event loops that are not the API's, what is
    /// opened for a moment (`/proc`, which libdispatch reads to count its threads and cannot do without; names that are looked up).
    public var otherFiles = 64
    /// Files of each of the API's event loops: three of its own, a connection to Redis, and the one that takes its place.
    public var filesPerEventLoop = 5
    /// With fewer client connections than these a server does not start.
    public var leastConnections = 16
    /// Connections accepted in one turn of an event loop: many, since with a thousand busy connections a turn lasts 20 ms and with NIO's 4
    /// those who come would wait for seconds; and not all that may wait at the socket, since each takes about 0.1 ms, in which nobody is
    /// answered.
    public var acceptsPerTurn = 64
    /// Connections in the kernel's queue.
    public var backlog = 1024
    /// Requests of one connection that are not answered yet. Beyond, nothing more is read from it.
    public var pipelinedRequests = 32
    /// Bytes that are read from a connection at a time, and so what may be decoded before `pipelinedRequests` is looked at. Each connection
    /// keeps as much. Nearly every request is one read.
    public var readBytes = 2048
    /// Bytes that the kernel holds of what a connection has sent: all of it is read at once when the client closes its side. Linux takes
    /// twice as much.
    public var receiveBytes = 16 << 10
    /// Bytes of requests of which a part has come and the rest has not, of all connections together, with
    /// `UnfinishedRequests.cost` for each. Beyond, the oldest end with 408.
    public var unfinishedBytes = 128 << 20
    /// When so many connections fewer are open than there were, their memory is given back to the system.
    public var connectionsOfReturn = 1000
    /// How often that is looked at.
    public var returnInterval: Duration = .seconds(1)
    /// A connection on which nothing happens is closed.
    public var idleTimeout: Duration = .seconds(60)
    /// From a request's first byte to the end of its head. Of a head that begins in the same read as another request ends, it counts
    /// from the next read; until then `idleTimeout` does.
    public var headerTimeout: Duration = .seconds(10)
    /// From the end of a request's head to its last byte.
    public var requestTimeout: Duration = .seconds(10)
    /// Bytes of answers that the kernel holds for a client that has not read them. Linux takes twice as much for its own needs.
    public var kernelBytes = 128 << 10
    /// How long a client may leave its answers unread once the kernel's part is full and 64 KiB more wait here, and how long it
    /// may take to read what is left when its connection ends. Then it is closed, and they are dropped.
    public var writeTimeout: Duration = .seconds(20)
    /// How long a client may take, behind the last answer, to close its side. Then it is closed all the same.
    public var lingerTimeout: Duration = .seconds(1)
    /// Redemptions of durability `ledger` that wait to be found in Postgres. Further ones are refused before they are decided.
    public var ledgerWaiters = 20_000
    /// How long each waits; after it, its outcome is unknown to the client.
    public var ledgerTimeout: Duration = .seconds(5)
    /// Users that wait to be read from Postgres.
    public var userLoads = 20_000
    /// Users read from Postgres by one statement.
    public var userLoadBatch = 256
    /// Statements that read users, at once, for each shard.
    public var userLoadStatements = 2
    /// Entries in the cache of coupons.
    public var cachedCoupons = 10_000
    /// Codes of coupons that are kept in memory. With more coupons than that, Postgres is asked for each.
    public var indexedCodes = 100_000
    /// How old a coupon from the cache, or the index of codes, may be. What is left is never from the cache.
    public var couponAge: Duration = .seconds(1)
    /// Items of one page, where the client names no number and where it names one.
    public var pageDefault = 50
    public var pageGreatest = 200
    /// How old the state that probes and scrapes see may be.
    public var statusAge: Duration = .seconds(1)
    /// For each check that a probe makes.
    public var probeTimeout: Duration = .seconds(1)

    public init() {}

    func check() {
        precondition(bodyBytes >= 256 && headerBytes >= 1024 && headerFields >= 8)
        precondition(
            loginsAtOncePerAddress > 0 && connections > 0 && operationsConnections > 0 && backlog > 0 && pipelinedRequests > 1
        )
        precondition(acceptsPerTurn > 0)
        precondition(ledgerWaiters > 0 && ledgerTimeout > .zero)
        precondition(unfinishedBytes >= 1 << 20 && connectionsOfReturn > 0 && returnInterval > .zero)
        precondition(readBytes >= 1024 && receiveBytes >= readBytes && kernelBytes >= 4096)
        precondition(userLoads >= userLoadBatch && userLoadBatch > 0 && userLoadStatements > 0)
        precondition(cachedCoupons > 0 && indexedCodes > 0 && pageDefault > 0 && pageDefault <= pageGreatest)
        precondition(headerTimeout > .zero && requestTimeout > .zero && writeTimeout > .zero && statusAge > .zero)
        precondition(max(headerTimeout, requestTimeout) <= idleTimeout)
    }
}
