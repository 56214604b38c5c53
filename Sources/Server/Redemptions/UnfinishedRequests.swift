/// The unfinished requests of one event loop's connections, of which a part has come and the rest has not. They need no token, so
/// all of them together are bounded: beyond the limit the oldest end, as if their time were over. A request that comes in one
/// piece is never here.
///
/// They are a list through the handlers themselves, the oldest first: to join and to leave it costs the same, however many there
/// are.
final class UnfinishedRequests {
    /// Bytes, including `cost` for each request.
    private let limit: Int
    /// Bytes that each request counts beside its own. They leave room for what the decoder makes of a head of many short fields.
    /// With its connection, a body that is half there takes 20 KiB in all.
    static let cost = 32 << 10

    private(set) var bytes = 0
    private var oldest: HotRouteHandler?
    private unowned(unsafe) var newest: HotRouteHandler?

    init(limit: Int) { self.limit = limit }

    /// More of a request has come, and it is not whole.
    func add(_ count: Int, of handler: HotRouteHandler) {
        if handler.unfinished.bytes == 0 { append(handler) }
        let added = count + (handler.unfinished.bytes == 0 ? UnfinishedRequests.cost : 0)
        handler.unfinished.bytes += added
        bytes += added
        while bytes > limit, let oldest {
            remove(oldest)
            oldest.endUnfinished()
        }
    }

    /// The request is whole, or its connection ends.
    func remove(_ handler: HotRouteHandler) {
        let place = handler.unfinished
        guard place.bytes > 0 else { return }
        handler.unfinished = Place()
        bytes -= place.bytes
        if let older = place.older { older.unfinished.newer = place.newer } else { oldest = place.newer }
        if let newer = place.newer { newer.unfinished.older = place.older } else { newest = place.older }
    }

    private func append(_ handler: HotRouteHandler) {
        handler.unfinished.older = newest
        if let newest { newest.unfinished.newer = handler } else { oldest = handler }
        newest = handler
    }

    /// A handler's place in the list.
    struct Place {
        fileprivate(set) var bytes = 0
        /// The list retains each handler once, by the one that is older.
        fileprivate unowned(unsafe) var older: HotRouteHandler?
        fileprivate var newer: HotRouteHandler?
    }
}
