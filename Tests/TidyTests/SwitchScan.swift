/// Finds `default:` in a switch that has cases of an enum. Which enum it is, text does not show: one of another library is an
/// exception.
struct SwitchScan {
    /// Lines, from 0.
    private(set) var defaults: [Int] = []

    private struct Switch {
        let indentation: Int
        var hasEnumCase = false
    }

    init(_ file: SourceFile) {
        var open: [Switch] = []
        for (index, line) in file.lines.enumerated() {
            let code = line.drop { $0 == " " }
            let indentation = line.count - code.count
            guard !code.isEmpty, !code.hasPrefix("//") else { continue }
            // The formatter puts `case`, `default` and the closing brace as far in as `switch`.
            while let last = open.last, indentation < last.indentation { open.removeLast() }
            let isLabel = open.last?.indentation == indentation
            if isLabel, code.hasPrefix("case ") {
                let pattern = code.dropFirst("case ".count).prefix { $0 != ":" }
                if pattern.contains(#/(^|[ (])\.[a-z]/#) { open[open.count - 1].hasEnumCase = true }
            } else if isLabel, code.hasPrefix("default:") {
                if open[open.count - 1].hasEnumCase { defaults.append(index) }
            } else if isLabel, code.hasPrefix("}") {
                open.removeLast()
            }
            if code.hasSuffix("{"), code.contains(#/\bswitch\b/#) { open.append(Switch(indentation: indentation)) }
        }
    }
}
