/// A metric's name and dimensions, as Prometheus knows them.
struct MetricKey: Hashable, Sendable, Comparable {
    let name: String
    /// `shard="s0",mode="local"`, or empty.
    let labels: String

    init(_ label: String, _ dimensions: [(String, String)]) {
        name = MetricKey.sanitized(label, colons: true)
        labels = dimensions.map { "\(MetricKey.sanitized($0.0, colons: false))=\"\(MetricKey.escaped($0.1))\"" }
            .joined(separator: ",")
    }

    func line(_ value: String, suffix: String = "", extra: String = "") -> String {
        let labels = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
        return "\(name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
    }

    static func < (left: MetricKey, right: MetricKey) -> Bool {
        (left.name, left.labels) < (right.name, right.labels)
    }

    private static func sanitized(_ text: String, colons: Bool) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9": name += name.isEmpty ? "_\(scalar)" : "\(scalar)"
            case ":" where colons: name += ":"
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
