/// The limits that the server sets its clients and itself. Each has its unit in its type or its name.
public struct ServerLimits: Sendable {
    /// Logins of one address that are being checked at once, so that one client cannot take all the threads that hash.
    public var loginsAtOncePerAddress = 6
    /// Bytes of a request's body.
    public var bodyBytes = 4096
    /// Bytes of all header fields together, and of a single one.
    public var headerBytes = 16 << 10
    public var headerFields = 100
    /// Client connections; further ones wait in the kernel's queue. There are fewer if the limit on open files is too low for
    /// these and the files that a server needs itself (`FileBudget`).
    public var connections = 20_000
    /// Connections of the operations port. Probes and scrapes hold a few.
    public var operationsConnections = 32
    /// Files that are not connections: standard streams, listening sockets, those of event loops that are not the API's, and
    /// files that are opened for a moment, such as for the lookup of a name. libdispatch must open `/proc` to count its threads.
    public var otherFiles = 64
    /// Files of each of the API's event loops: three of its own, a connection to Redis, and the one that takes its place.
    public var filesPerEventLoop = 5
    /// With fewer client connections than these a server does not start.
    public var leastConnections = 16
    /// Connections accepted in one turn of an event loop. With a thousand busy connections a turn lasts 20 ms, so with NIO's 4
    /// new clients would wait for seconds. Each takes about 0.1 ms in which nobody is answered, so it is not as many as may wait
    /// at the socket.
    public var acceptsPerTurn = 64
    /// Connections in the kernel's queue.
    public var backlog = 1024
    /// Requests of one connection that are not answered yet. Beyond these nothing more is read from it.
    public var pipelinedRequests = 32
    /// Bytes that are read from a connection at a time; nearly every request is one read. Each connection keeps a buffer of this
    /// size. As much may be decoded before `pipelinedRequests` is looked at.
    public var readBytes = 2048
    /// Bytes that the kernel holds of a connection's requests. All of them are read at once when the client closes its side.
    /// Linux takes twice as much.
    public var receiveBytes = 16 << 10
    /// Bytes of all unfinished requests, of which a part has come and the rest has not. Each counts `UnfinishedRequests.cost`
    /// more. Beyond the limit the oldest end with 408.
    public var unfinishedBytes = 128 << 20
    /// Memory is given back to the system when this many connections have ended since the number was greatest.
    public var connectionsOfReturn = 1000
    /// The time between two looks at the number of connections, for `connectionsOfReturn`.
    public var returnInterval: Duration = .seconds(1)
    /// A connection on which nothing happens is closed.
    public var idleTimeout: Duration = .seconds(60)
    /// From a request's first byte to the end of its head. If a head begins in the read in which another request ends, this
    /// counts from the next read; until then `idleTimeout` counts.
    public var headerTimeout: Duration = .seconds(10)
    /// From the end of a request's head to its last byte.
    public var requestTimeout: Duration = .seconds(10)
    /// Bytes of answers that the kernel holds for a client that has not read them. Linux takes twice as much for its own needs.
    public var kernelBytes = 128 << 10
    /// How long a client may leave its answers unread when the kernel's part is full and 64 KiB more wait here, and how long it
    /// may take to read the rest when its connection ends. After that the connection is closed, and the answers are dropped.
    public var writeTimeout: Duration = .seconds(20)
    /// How long a client may take to close its side after the last answer. After that the connection is closed all the same.
    public var lingerTimeout: Duration = .seconds(1)
    /// Redemptions of durability `ledger` that wait to be found in Postgres. Further ones are refused before they are decided.
    public var ledgerWaiters = 20_000
    /// How long each of them waits. After that the client is told that the outcome is unknown.
    public var ledgerTimeout: Duration = .seconds(5)
    /// Users that wait to be read from Postgres.
    public var userLoads = 20_000
    /// Users read from Postgres by one statement.
    public var userLoadBatch = 256
    /// Statements that read users, at once, for each shard.
    public var userLoadStatements = 2
    /// Entries in the cache of coupons.
    public var cachedCoupons = 10_000
    /// Codes of coupons that are kept in memory. If there are more coupons, Postgres is asked for each code.
    public var indexedCodes = 100_000
    /// The greatest age of a coupon in the cache, and of the index of codes. The uses that are left never come from the cache.
    public var couponAge: Duration = .seconds(1)
    /// Items of one page if the client names no number, and the greatest number that it may name.
    public var pageDefault = 50
    public var pageGreatest = 200
    /// The greatest age of the state that probes and scrapes see.
    public var statusAge: Duration = .seconds(1)
    /// The time that each check of a probe may take.
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
