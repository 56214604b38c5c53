/// Writes one JSON object whose members are strings and numbers. Problems are written by it, since the hot route answers with them too;
/// `AnswerEncoder` makes all other bodies but those of redemptions.
struct JSONWriter {
    private var text = "{"

    private init() {}

    static func object(_ members: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        members(&writer)
        return writer.text + "}"
    }

    mutating func member(_ name: String, _ value: String) {
        begin(name)
        string(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        begin(name)
        text += String(value)
    }

    /// Names are the program's own, so none needs escaping.
    private mutating func begin(_ name: String) {
        text += text.utf8.count > 1 ? ",\"" : "\""
        text += name
        text += "\":"
    }

    private mutating func string(_ value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                text += scalar.value < 0x10 ? "\\u000" : "\\u00"
                text += String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
