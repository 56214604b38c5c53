import HotPath
import NIOCore
import NIOPosix
import RedisClient

extension HotPath {
    /// Sends all requests in one tick of one event loop. Each is answered once, on that loop.
    func redeemInOneTick(
        _ requests: [RedeemRequest],
        on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    ) async -> [Result<RedeemReply, RedisError>] {
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                var results: [Result<RedeemReply, RedisError>?] = Array(repeating: nil, count: requests.count)
                var missing = requests.count
                for (index, request) in requests.enumerated() {
                    self.redeemer(on: eventLoop).redeem(request) { result in
                        eventLoop.preconditionInEventLoop()
                        precondition(results[index] == nil, "answered twice")
                        results[index] = result
                        missing -= 1
                        if missing == 0 { continuation.resume(returning: results.map { $0! }) }
                    }
                }
            }
        }
    }
}
