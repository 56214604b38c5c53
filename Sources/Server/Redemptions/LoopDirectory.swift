import HotPath
import NIOCore

/// The services of each event loop, made when the loop first asks.
final class LoopDirectory: Sendable {
    private let boxes: [ObjectIdentifier: NIOLoopBoundBox<LoopServices?>]
    private let make: @Sendable (any EventLoop) -> LoopServices

    init(eventLoops: [any EventLoop], make: @escaping @Sendable (any EventLoop) -> LoopServices) {
        self.make = make
        boxes = Dictionary(
            uniqueKeysWithValues: eventLoops.map { eventLoop in
                (ObjectIdentifier(eventLoop), NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: eventLoop))
            }
        )
    }

    /// To be called on that loop, where the services are to be used, too.
    func services(on eventLoop: any EventLoop) -> LoopServices {
        guard let box = boxes[ObjectIdentifier(eventLoop)] else {
            preconditionFailure("not an event loop that Redis is connected on")
        }
        if let services = box.value { return services }
        let services = make(eventLoop)
        box.value = services
        return services
    }

    /// Decides a redemption for a caller that is on no event loop.
    func decide(_ request: RedeemRequest, on eventLoop: any EventLoop) async -> RedemptionAnswer {
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                self.services(on: eventLoop).decide(request) { continuation.resume(returning: $0) }
            }
        }
    }
}
