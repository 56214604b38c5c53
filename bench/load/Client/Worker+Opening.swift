internal import NIOCore
internal import NIOPosix

extension Worker {
    /// Opens all connections, a few at a time.
    /// - Returns: a future that fails with the error of a connection that could not be opened in several attempts.
    func open() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        let opening = Opening(slots: connections.count, attempts: plan.limits.connectAttempts, promise: promise)
        for _ in 0..<min(plan.limits.connecting, connections.count) { openNext(opening) }
        return promise.futureResult
    }

    /// The progress of the opening.
    final class Opening {
        private let slots: Int
        let attempts: Int
        private let promise: EventLoopPromise<Void>
        private var begun = 0
        private var open = 0
        private var hasEnded = false

        init(slots: Int, attempts: Int, promise: EventLoopPromise<Void>) {
            self.slots = slots
            self.attempts = attempts
            self.promise = promise
        }

        func next() -> Int? {
            guard begun < slots, !hasEnded else { return nil }
            begun += 1
            return begun - 1
        }

        func opened() {
            open += 1
            if open == slots { promise.succeed() }
        }

        func failed(_ error: any Error) {
            guard !hasEnded else { return }
            hasEnded = true
            promise.fail(LoadError.cannotConnect(open: open, of: slots, error))
        }
    }

    private func openNext(_ opening: Opening) {
        guard let slot = opening.next() else { return }
        open(slot, opening, attempt: 1)
    }

    private func open(_ slot: Int, _ opening: Opening, attempt: Int) {
        connect(slot) { worker, result in
            switch result {
            case .success(let connection):
                worker.opened(connection)
                opening.opened()
                worker.openNext(opening)
            case .failure(let error):
                guard attempt < opening.attempts else { return opening.failed(error) }
                worker.later { $0.open(slot, opening, attempt: attempt + 1) }
            }
        }
    }

    /// Opens a connection that was lost, until it is open or the run has ended.
    func reopen(_ slot: Int) {
        later { worker in
            guard worker.phase == .running, worker.connections[slot] == nil else { return }
            worker.connect(slot) { worker, result in
                switch result {
                case .success(let connection): worker.opened(connection)
                case .failure:
                    worker.connectFailures += 1
                    worker.reopen(slot)
                }
            }
        }
    }

    private func later(_ body: @escaping (Worker) -> Void) {
        let moment = NIODeadline.now().uptimeNanoseconds + plan.limits.reconnectDelay.nanoseconds
        schedule(at: moment) { worker, _ in body(worker) }
    }

    private func connect(_ slot: Int, _ done: @escaping (Worker, Result<Connection, any Error>) -> Void) {
        let tls = plan.tls
        let handshake = tls.map { _ in makeHandshake() }
        let connection = Connection(
            slot: slot,
            worker: self,
            answerLimit: plan.limits.answerBytes,
            outgoing: ByteBufferAllocator().buffer(capacity: 1024),
            handshake: handshake
        )
        let handler = NIOLoopBound(connection, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(plan.limits.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: LoadLimits.receiveBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler()) }
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .connect(to: plan.address)
            .flatMap { channel in handshake?.futureResult ?? channel.eventLoop.makeSucceededVoidFuture() }
            .assumeIsolated()
            .whenComplete { result in
                if case .failure(let error) = result {
                    handshake?.fail(error)
                    connection.close()
                }
                done(self, result.map { connection })
            }
    }

    /// A server that accepts a connection and then says nothing is given up too.
    private func makeHandshake() -> EventLoopPromise<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        let limit = TimeAmount(plan.limits.connectTimeout)
        let timeout = eventLoop.scheduleTask(in: limit) { promise.fail(ChannelError.connectTimeout(limit)) }
        promise.futureResult.whenComplete { _ in timeout.cancel() }
        return promise
    }
}
