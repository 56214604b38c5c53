internal import Glibc
internal import NIOCore

/// What a worker has done until a moment.
struct WorkerSnapshot: Sendable {
    /// Since the snapshot before; everything else is since the beginning.
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
    /// Of the thread's time on a processor.
    let cpuNanoseconds: UInt64
}

/// What is asked for once, at the end.
struct WorkerRecording: Sendable {
    /// By kind.
    let latencies: [Latencies]
    let lateness: Latencies
}

extension Worker {
    func recording() -> WorkerRecording {
        WorkerRecording(latencies: recorder.latencies, lateness: recorder.lateness)
    }

    /// - Parameter empty: made by the caller, because making one takes too long for an event loop.
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

    /// Of the calling thread.
    private static func cpuNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
