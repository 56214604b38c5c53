internal import Foundation
internal import NIOCore
internal import NIOPosix

/// One run of the generator, with event loops of its own. After `open`, call either `perform` or `close`.
public final class LoadRun: Sendable {
    private let plan: LoadPlan
    private let group: MultiThreadedEventLoopGroup
    private let workers: [NIOLoopBound<Worker>]

    /// The time from the order to begin until the first request, so that all threads begin together.
    private static let lead: Duration = .milliseconds(20)

    /// Opens all connections.
    /// - Parameter workload: makes the requests of a thread, given its number; called on that thread.
    public static func open(_ plan: LoadPlan, workload: @escaping @Sendable (Int) -> any Workload) async throws -> LoadRun {
        plan.check()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        let loops = Array(group.makeIterator())
        do {
            var workers: [NIOLoopBound<Worker>] = []
            for (thread, loop) in loops.enumerated() {
                let worker = loop.submit {
                    NIOLoopBound(
                        Worker(plan: plan, thread: thread, eventLoop: loop, workload: workload(thread)),
                        eventLoop: loop
                    )
                }
                workers.append(try await worker.get())
            }
            for worker in workers {
                try await worker.eventLoop.flatSubmit { worker.value.open() }.get()
            }
            return LoadRun(plan: plan, group: group, workers: workers)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(plan: LoadPlan, group: MultiThreadedEventLoopGroup, workers: [NIOLoopBound<Worker>]) {
        self.plan = plan
        self.group = group
        self.workers = workers
    }

    /// Begins no further requests. `perform` then returns with the results so far.
    public func stop() {
        for worker in workers { worker.eventLoop.execute { worker.value.stop() } }
    }

    /// Closes a run without performing it.
    public func close() async { try? await group.shutdownGracefully() }

    private enum Event {
        case tick
        case finished
    }

    /// Makes all requests.
    /// - Parameters:
    ///   - gauges: reads the target's gauges, once in each interval.
    ///   - onInterval: gets each entry of the series as soon as it is complete.
    public func perform(
        gauges: @escaping @Sendable () async -> [String: Double] = { [:] },
        onInterval: (LoadInterval) async -> Void = { _ in }
    ) async throws -> LoadResult {
        let before = await gauges()
        let first = try await snapshots()
        let start = NIODeadline.now().uptimeNanoseconds + LoadRun.lead.nanoseconds
        let beganAt = Date.now.timeIntervalSince1970 + LoadRun.lead.seconds
        let clock = RunClock(start: start, warmup: plan.warmup, duration: plan.duration)
        var series = LoadSeries(plan: plan, clock: clock, first: first, gauges: before)
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let begun = workers.map { worker in worker.eventLoop.flatSubmit { worker.value.begin(clock) } }
        EventLoopFuture.whenAllComplete(begun, on: workers[0].eventLoop).whenComplete { _ in
            continuation.yield(.finished)
        }
        let interval = plan.interval
        let ticker = Task {
            let began = ContinuousClock.now + LoadRun.lead
            var count = 1
            while !Task.isCancelled {
                try await Task.sleep(until: began + interval * count, clock: .continuous)
                continuation.yield(.tick)
                count += 1
            }
        }
        events: for await event in events {
            async let reading = gauges()
            let now = NIODeadline.now().uptimeNanoseconds
            let entry = series.append(try await snapshots(), at: now, gauges: await reading)
            if let entry { await onInterval(entry) }
            switch event {
            case .tick: continue
            case .finished: break events
            }
        }
        ticker.cancel()
        let ended = NIODeadline.now().uptimeNanoseconds
        var recordings: [WorkerRecording] = []
        for worker in workers { recordings.append(try await worker.eventLoop.submit { worker.value.recording() }.get()) }
        try? await group.shutdownGracefully()
        var result = series.result(recordings, endedAt: ended)
        result.beganAt = beganAt
        return result
    }

    private func snapshots() async throws -> [WorkerSnapshot] {
        var snapshots: [WorkerSnapshot] = []
        for worker in workers {
            let empty = Latencies()
            snapshots.append(try await worker.eventLoop.submit { worker.value.snapshot(empty) }.get())
        }
        return snapshots
    }
}
