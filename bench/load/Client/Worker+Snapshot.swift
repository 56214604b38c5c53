internal import Glibc
internal import NIOCore

/// The results of a worker up to a moment.
struct WorkerSnapshot: Sendable {
    /// Latencies since the snapshot before. Everything else is since the beginning.
    let series: Latencies
    let outcomes: [Outcome]
    let all: Recorder.Counts
    let measured: Recorder.Counts
    let sent: Int
    let answered: Int
    let answeredInTime: Int
    let lastAnswer: UInt64
    let notSent: Int
    let waiting: Int
    let inFlight: Int
    let lost: Int
    let connectFailures: Int
    /// Processor time of the thread.
    let cpuNanoseconds: UInt64
}

/// The results that are read once, at the end.
struct WorkerRecording: Sendable {
    /// Each place is a kind.
    let latencies: [Latencies]
    let lateness: Latencies
}

extension Worker {
    func recording() -> WorkerRecording {
        WorkerRecording(latencies: recorder.latencies, lateness: recorder.lateness)
    }

    /// - Parameter empty: an empty histogram. The caller makes it, since that takes too long for an event loop.
    func snapshot(_ empty: consuming Latencies) -> WorkerSnapshot {
        dispatcher.admit(until: NIODeadline.now().uptimeNanoseconds)
        var series = empty
        recorder.takeSeries(&series)
        return WorkerSnapshot(
            series: series,
            outcomes: recorder.outcomes.outcomes,
            all: recorder.all,
            measured: recorder.measured,
            sent: recorder.sent,
            answered: recorder.answered,
            answeredInTime: recorder.answeredInTime,
            lastAnswer: recorder.lastAnswer,
            notSent: dispatcher.notSent,
            waiting: dispatcher.waitingCount,
            inFlight: inFlight,
            lost: lost,
            connectFailures: connectFailures,
            cpuNanoseconds: Worker.cpuNanoseconds()
        )
    }

    /// Processor time of the calling thread.
    private static func cpuNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
