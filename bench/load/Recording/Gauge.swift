/// A figure that the target may tell of itself while it is loaded. The names are those in `LoadInterval.gauges`.
public enum Gauge: String, CaseIterable, Sendable {
    /// The stock that is left.
    case left
    /// Entries that are decided and not yet stored for good.
    case outbox
    /// How many seconds storing is behind deciding.
    case lag
}
