internal import Foundation

/// Figures as people read them.
package enum Measure {
    /// A time with three digits: `0.123 ms`, `12.3 ms`, `1.23 s`.
    package static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        return value < 1000 ? "\(three(value)) ms" : "\(three(value / 1000)) s"
    }

    package static func seconds(_ value: Double) -> String { milliseconds(value * 1000) }

    package static func microseconds(_ value: Double) -> String { "\(three(value)) us" }

    /// A rate a second. It is whole, unless it is small.
    package static func rate(_ value: Double) -> String {
        value < 100 && value != value.rounded() ? String(format: "%.1f", value) : count(value)
    }

    /// `1,234,567`.
    package static func count(_ value: Double) -> String { count(Int(value.rounded())) }

    package static func count(_ value: Int) -> String {
        var text = String(abs(value))
        var parts: [Substring] = []
        while text.count > 3 {
            parts.insert(text.suffix(3), at: 0)
            text.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([Substring(text)] + parts).joined(separator: ",")
    }

    /// A ratio, such as `1.23x`.
    package static func ratio(_ value: Double) -> String { "\(three(value))x" }

    package static func percent(_ share: Double) -> String { String(format: share < 0.1 ? "%.2f %%" : "%.1f %%", 100 * share) }

    private static func three(_ value: Double) -> String {
        String(format: value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
    }
}

extension Duration {
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
