internal import Logging
internal import Synchronization

/// Counts warnings of failed calls that differ only in details, so that an outage does not fill the log. The first one is written. As long
/// as more come, one is written in each interval, and says how many there were (`repeated`). Errors, and warnings without an `error`, are
/// always written.
final class RepeatedWarnings: Sendable {
    /// The time between two written warnings of a kind.
    private let interval: Duration
    /// The most kinds that are kept.
    private static let kinds = 256

    typealias Write = @Sendable (LogEvent) -> Void

    private struct Kind {
        var until: ContinuousClock.Instant
        var held = 0
        /// The last warning that was not written, with its own writer, which knows its request.
        var last: (event: LogEvent, write: Write)?
    }

    private let state = Mutex<[String: Kind]>([:])

    init(interval: Duration = .seconds(10)) { self.interval = interval }

    /// Writes the entry now, or counts it.
    func take(_ event: LogEvent, _ write: @escaping Write) {
        guard event.level == .warning, event.metadata?["error"] != nil else { return write(event) }
        let name = "\(event.source) \(event.message)"
        enum Action { case write, hold, holdFirst }
        let action = state.withLock { kinds -> Action in
            let now = ContinuousClock.now
            guard var kind = kinds[name], kind.held > 0 || now < kind.until else {
                if kinds.count >= RepeatedWarnings.kinds { kinds = kinds.filter { $0.value.held > 0 } }
                kinds[name] = Kind(until: now + interval)
                return .write
            }
            kind.held += 1
            kind.last = (event, write)
            kinds[name] = kind
            return kind.held == 1 ? .holdFirst : .hold
        }
        switch action {
        case .write: write(event)
        case .hold: break
        case .holdFirst:
            Task {
                // Warnings that are held when the process ends are not written: its end is news enough.
                try? await Task.sleep(for: interval)
                if let (event, write) = release(name) { write(event) }
            }
        }
    }

    private func release(_ name: String) -> (LogEvent, Write)? {
        state.withLock { kinds in
            guard let kind = kinds[name], let (last, write) = kind.last else { return nil }
            var event = last
            kinds[name] = Kind(until: .now + interval)
            event.metadata?["repeated"] = "\(kind.held)"
            return (event, write)
        }
    }
}
