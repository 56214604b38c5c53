internal import Foundation

/// A plot over one pair of axes, as SVG that takes its colours from the page.
struct Plot {
    enum Style: String {
        case line
        /// A value for comparison.
        case reference
        case thin
    }

    struct Line {
        let name: String
        /// A class of the style sheet, `c1` to `c6` or `muted`.
        let colour: String
        var style = Style.line
        /// `nil` interrupts the line.
        let points: [(x: Double, y: Double?)]
    }

    /// The area between two lines.
    struct Area {
        let name: String
        let colour: String
        let points: [(x: Double, low: Double, high: Double)]
    }

    /// The text of a part of the plot, shown under the pointer.
    struct Hint {
        let from: Double
        let to: Double
        let text: String
    }

    /// A description for readers who cannot see the plot.
    let description: String
    let x: Axis
    let y: Axis
    /// The title of the horizontal axis.
    let xTitle: String
    var lines: [Line] = []
    var areas: [Area] = []
    var hints: [Hint] = []
    /// The end of the warm-up, on the horizontal axis.
    var warmup = 0.0
    var height = 240.0

    private static let width = 860.0
    private static let left = 58.0
    private static let top = 22.0
    private static let bottom = 40.0
    /// The least distance between two names.
    private static let labelHeight = 15.0

    /// The width of a name's character in pixels, about.
    private static let characterWidth = 7.4

    /// How many characters the names at the right have room for. All plots of a page have the same, so that their axes are in
    /// line.
    var nameLength = 10

    private var right: Double { 16 + Double(nameLength) * Plot.characterWidth }
    private var plotWidth: Double { Plot.width - Plot.left - right }
    private var plotHeight: Double { height - Plot.top - Plot.bottom }

    private func px(_ value: Double) -> Double { Plot.left + plotWidth * x.place(value) }
    private func py(_ value: Double) -> Double { Plot.top + plotHeight * (1 - y.place(value)) }

    var svg: String {
        var parts = [
            "<svg viewBox=\"0 0 \(Plot.width.short) \(height.short)\" role=\"img\" aria-label=\"\(description.escaped)\">"
        ]
        if warmup > 0 { parts.append(warmupSVG) }
        parts += gridSVG
        for area in areas { parts.append(svg(area)) }
        for line in lines { parts.append(svg(line)) }
        parts += labelsSVG
        for hint in hints {
            let (from, to) = (px(hint.from), px(hint.to))
            parts.append(
                "<rect class=\"hint\" x=\"\(from.pixels)\" y=\"\(Plot.top.short)\" width=\"\((to - from).pixels)\" "
                    + "height=\"\(plotHeight.pixels)\"><title>\(hint.text.escaped)</title></rect>"
            )
        }
        return (parts + ["</svg>"]).joined(separator: "\n")
    }

    private var warmupSVG: String {
        let width = px(min(warmup, x.range.upperBound)) - Plot.left
        return "<rect class=\"warmup\" x=\"\(Plot.left.short)\" y=\"\(Plot.top.short)\" width=\"\(width.pixels)\" "
            + "height=\"\(plotHeight.pixels)\"/>"
            + "<text class=\"small\" x=\"\((Plot.left + 2).pixels)\" y=\"\((Plot.top - 7).pixels)\">warm-up</text>"
    }

    private var gridSVG: [String] {
        let (floor, end) = (Plot.top + plotHeight, Plot.left + plotWidth)
        var parts: [String] = []
        for tick in y.ticks {
            let place = py(tick.value).pixels
            parts.append("<line class=\"grid\" x1=\"\(Plot.left.short)\" x2=\"\(end.pixels)\" y1=\"\(place)\" y2=\"\(place)\"/>")
            parts.append(
                "<text class=\"tick\" text-anchor=\"end\" x=\"\((Plot.left - 8).pixels)\" y=\"\((py(tick.value) + 4).pixels)\">\(tick.label.escaped)</text>"
            )
        }
        for tick in x.ticks {
            let place = px(tick.value).pixels
            parts.append(
                "<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(floor.pixels)\" y2=\"\((floor + 4).pixels)\"/>"
            )
            parts.append(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"\(place)\" y=\"\((floor + 18).pixels)\">\(tick.label.escaped)</text>"
            )
        }
        parts.append(
            "<line class=\"axis\" x1=\"\(Plot.left.short)\" x2=\"\(end.pixels)\" y1=\"\(floor.pixels)\" y2=\"\(floor.pixels)\"/>"
        )
        parts.append(
            "<text class=\"tick\" text-anchor=\"middle\" x=\"\((Plot.left + plotWidth / 2).pixels)\" "
                + "y=\"\((floor + 35).pixels)\">\(xTitle.escaped)</text>"
        )
        return parts
    }

    private func svg(_ line: Line) -> String {
        var path = ""
        var isDown = false
        for point in line.points {
            guard let value = point.y else {
                isDown = false
                continue
            }
            path += "\(isDown ? "L" : "M")\(px(point.x).pixels) \(py(value).pixels)"
            isDown = true
        }
        return "<path class=\"\(line.style.rawValue) \(line.colour)\" d=\"\(path)\"/>"
    }

    private func svg(_ area: Area) -> String {
        let upper = area.points.map { "\(px($0.x).pixels) \(py($0.high).pixels)" }
        let lower = area.points.reversed().map { "\(px($0.x).pixels) \(py($0.low).pixels)" }
        return "<path class=\"area \(area.colour)\" d=\"M\((upper + lower).joined(separator: "L"))Z\"/>"
    }

    private struct Label {
        let name: String
        let colour: String
        /// The place on the vertical axis, as a value.
        let y: Double
    }

    /// The lines and areas that have a name at the right end. An area without height there is named in the table below only.
    private var labels: [Label] {
        let visible = (y.range.upperBound - y.range.lowerBound) / 40
        return lines.compactMap { line in
            line.points.last { $0.y != nil }.flatMap(\.y).map { Label(name: line.name, colour: line.colour, y: $0) }
        }
            + areas.compactMap { area in
                area.points.last.flatMap { end in
                    guard end.high - end.low >= visible else { return nil }
                    return Label(name: area.name, colour: area.colour, y: (end.low + end.high) / 2)
                }
            }
    }

    /// The names at the right, each beside the end of its line. Names that would overlap are moved apart.
    private var labelsSVG: [String] {
        let labels = labels.sorted { $0.y > $1.y }
        var places = labels.map { py($0.y) }
        for index in places.indices.dropFirst() { places[index] = max(places[index], places[index - 1] + Plot.labelHeight) }
        // Names that would be below the floor move all others up.
        var limit = Plot.top + plotHeight + 4
        for index in places.indices.reversed() {
            places[index] = min(places[index], limit)
            limit = places[index] - Plot.labelHeight
        }
        return zip(labels, places).map { label, place in
            "<text class=\"label \(label.colour)\" x=\"\((Plot.left + plotWidth + 8).pixels)\" y=\"\((place + 4).pixels)\">"
                + "\(label.name.escaped)</text>"
        }
    }
}

extension Double {
    fileprivate var pixels: String { String(format: "%.1f", self) }
}

extension String {
    /// The text escaped for text and attributes of HTML.
    var escaped: String {
        replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
