/// Reads single figures out of Prometheus's text format.
enum PrometheusText {
    /// The sum of all series of a metric, whatever their labels; `nil`: there is none.
    static func value(of metric: String, in text: String) -> Double? {
        var sum: Double?
        for line in text.split(separator: "\n") where line.hasPrefix(metric) {
            var rest = line.dropFirst(metric.count)
            if rest.first == "{" {
                guard let end = rest.lastIndex(of: "}") else { continue }
                rest = rest[rest.index(after: end)...]
            }
            // Otherwise the name goes on, so it is another metric. A time may follow the value.
            guard rest.first == " ", let word = rest.split(separator: " ").first, let value = Double(word) else { continue }
            sum = (sum ?? 0) + value
        }
        return sum
    }
}
