public import CoreMetrics
import Synchronization

/// Keeps everything that is measured through swift-metrics, and renders it as text for Prometheus. A metric exists once for a name and its
/// dimensions, even if several callers ask for it.
public final class PrometheusRegistry: MetricsFactory, Sendable {
    private enum Cell {
        case counter(CounterCell)
        case fraction(FractionCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)

        var type: String {
            switch self {
            case .counter, .fraction: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private let cells = Mutex<[MetricKey: Cell]>([:])

    public init() {}

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        fraction(label, dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        return histogram(label, dimensions, bounds: HistogramCell.countBounds)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions, bounds: HistogramCell.secondsBounds)
    }

    // A metric stays when one of its users goes: Prometheus takes a series that ends for a process that died.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    package func counter(_ label: String, _ dimensions: [(String, String)] = []) -> CounterCell {
        cell(label, dimensions) {
            .counter(CounterCell())
        } as: { cell in
            guard case .counter(let counter) = cell else { return nil }
            return counter
        } ?? CounterCell()
    }

    package func fraction(_ label: String, _ dimensions: [(String, String)] = []) -> FractionCell {
        cell(label, dimensions) {
            .fraction(FractionCell())
        } as: { cell in
            guard case .fraction(let fraction) = cell else { return nil }
            return fraction
        } ?? FractionCell()
    }

    package func gauge(_ label: String, _ dimensions: [(String, String)] = []) -> GaugeCell {
        cell(label, dimensions) {
            .gauge(GaugeCell())
        } as: { cell in
            guard case .gauge(let gauge) = cell else { return nil }
            return gauge
        } ?? GaugeCell()
    }

    package func histogram(_ label: String, _ dimensions: [(String, String)], bounds: [Double]) -> HistogramCell {
        cell(label, dimensions) {
            .histogram(HistogramCell(bounds: bounds))
        } as: { cell in
            guard case .histogram(let histogram) = cell else { return nil }
            return histogram
        } ?? HistogramCell(bounds: bounds)
    }

    /// Returns the metric, and makes it if there is none. `nil`: a metric of another kind has the name. Then nobody sees what the caller
    /// records, which is better than a service that stops.
    private func cell<Kind>(
        _ label: String,
        _ dimensions: [(String, String)],
        make: () -> Cell,
        as kind: (Cell) -> Kind?
    ) -> Kind? {
        let key = MetricKey(label, dimensions)
        let found = cells.withLock { cells in
            if let cell = cells[key] { return cell }
            let cell = make()
            cells[key] = cell
            return cell
        }
        return kind(found)
    }

    /// Prometheus's text format, version 0.0.4.
    public func render() -> String {
        var text = ""
        var previous: String?
        for (key, cell) in cells.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            if key.name != previous {
                if let help = Metric(rawValue: key.name)?.help { text += "# HELP \(key.name) \(help)\n" }
                text += "# TYPE \(key.name) \(cell.type)\n"
            }
            previous = key.name
            switch cell {
            case .counter(let counter): text += key.line(String(counter.current))
            case .fraction(let fraction): text += key.line(PrometheusRegistry.text(fraction.current))
            case .gauge(let gauge): text += key.line(PrometheusRegistry.text(gauge.current))
            case .histogram(let histogram): text += PrometheusRegistry.lines(of: histogram, key)
            }
        }
        return text
    }

    private static func lines(of histogram: HistogramCell, _ key: MetricKey) -> String {
        let (cumulative, sum) = histogram.current
        let bounds = histogram.bounds.map(text) + ["+Inf"]
        let buckets = zip(bounds, cumulative).map { bound, count in
            key.line(String(count), suffix: "_bucket", extra: "le=\"\(bound)\"")
        }
        return buckets.joined() + key.line(text(sum), suffix: "_sum")
            + key.line(String(cumulative.last ?? 0), suffix: "_count")
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
