/// What a target may say of itself while it is loaded, by the names that `LoadInterval.gauges` has.
public enum Gauge: String, CaseIterable, Sendable {
    /// What is left of the stock.
    case left
    /// Entries that are decided and not yet stored for good.
    case outbox
    /// Seconds by which storing is behind deciding.
    case lag
}
