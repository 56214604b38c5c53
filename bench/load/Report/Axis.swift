internal import Foundation

/// One axis of a plot. It turns values into places and has the ticks, but draws nothing.
struct Axis {
    enum Scale: Hashable {
        case linear
        /// An axis by powers of ten. Values below the range are drawn at its end.
        case logarithmic
    }

    struct Tick: Hashable {
        let value: Double
        let label: String
    }

    let scale: Scale
    let range: ClosedRange<Double>
    let ticks: [Tick]

    /// An axis from 0 to a round number above the greatest value.
    static func fromZero(to greatest: Double, count: Int = 5) -> Axis {
        let step = roundStep(max(greatest, 1e-9) / Double(count))
        let steps = max(1, Int((greatest / step).rounded(.up)))
        let end = Double(steps) * step
        let ticks = (0...steps).map { Tick(value: Double($0) * step, label: label(Double($0) * step, upTo: end)) }
        return Axis(scale: .linear, range: 0...end, ticks: ticks)
    }

    /// An axis from 0 to exactly the given end, with ticks at round numbers.
    static func exactly(to end: Double, count: Int = 8) -> Axis {
        let step = roundStep(end / Double(count))
        let ticks = stride(from: 0, through: end, by: step).map { Tick(value: $0, label: $0.short) }
        return Axis(scale: .linear, range: 0...end, ticks: ticks)
    }

    /// An axis of whole decades around the values, at least one.
    static func decades(_ least: Double, _ greatest: Double) -> Axis {
        let low = Int(log10(max(least, 1e-9)).rounded(.down))
        let high = max(low + 1, Int(log10(max(greatest, 1e-9)).rounded(.up)))
        let ticks = (low...high).map { power in
            let value = pow(10, Double(power))
            return Tick(value: value, label: power < 0 ? value.short : value.grouped)
        }
        return Axis(scale: .logarithmic, range: pow(10, Double(low))...pow(10, Double(high)), ticks: ticks)
    }

    /// An axis of percentiles. Equal steps divide the distance to 100 per cent by ten (HdrHistogram's plot).
    static func percentiles(upTo count: Int) -> Axis {
        let nines = max(1, Int(log10(Double(max(count, 10))).rounded(.up)))
        let names = ["0", "90", "99", "99.9", "99.99", "99.999", "99.9999", "99.99999"]
        let ticks = (0...min(nines, names.count - 1)).map { Tick(value: pow(10, Double($0)), label: "\(names[$0]) %") }
        return Axis(scale: .logarithmic, range: 1...(ticks.last?.value ?? 10), ticks: ticks)
    }

    /// The place of a value: 0 at the lower end, 1 at the upper.
    func place(_ value: Double) -> Double {
        let (low, high) = (range.lowerBound, range.upperBound)
        switch scale {
        case .linear: return (value - low) / (high - low)
        case .logarithmic: return (log10(min(max(value, low), high)) - log10(low)) / (log10(high) - log10(low))
        }
    }

    /// A step of 1, 2 or 5 times a power of ten.
    private static func roundStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        for factor in [1.0, 2, 5] where step <= factor * power * 1.000001 { return factor * power }
        return 10 * power
    }

    /// A label, in thousands or millions if the whole axis is.
    private static func label(_ value: Double, upTo end: Double) -> String {
        switch end {
        case _ where value == 0: "0"
        case 1_000_000...: "\((value / 1_000_000).short)M"
        case 10_000...: "\((value / 1000).short)k"
        default: value.short
        }
    }
}

extension Double {
    /// Four digits, without an exponent and without trailing zeros.
    var short: String {
        let text = formatted(digits: 4)
        guard text.contains(".") else { return text }
        let digits = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        return String(digits.reversed())
    }
}
