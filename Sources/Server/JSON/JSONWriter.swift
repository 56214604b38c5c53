/// Writes JSON text. What is written is known to be well formed by the order of the calls; only strings need care.
struct JSONWriter {
    private(set) var text: String
    private var needsComma = false

    init() { text = "" }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        open("{")
        members(&self)
        close("}")
    }

    mutating func array<Elements: Sequence>(_ elements: Elements, _ write: (Elements.Element, inout JSONWriter) -> Void) {
        open("[")
        for element in elements { write(element, &self) }
        close("]")
    }

    mutating func name(_ name: StaticString) {
        separate()
        text += "\"\(name)\":"
        needsComma = false
    }

    mutating func string(_ value: String) {
        separate()
        JSONWriter.append(value, to: &text)
    }

    mutating func number(_ value: Int) {
        separate()
        text += String(value)
    }

    /// A value that is JSON already.
    mutating func raw(_ value: String) {
        separate()
        text += value
    }

    mutating func null() {
        separate()
        text += "null"
    }

    mutating func member(_ name: StaticString, _ value: String) {
        self.name(name)
        string(value)
    }

    /// For a name that is only known when the program runs.
    mutating func member(name: String, _ value: String) {
        string(name)
        text += ":"
        needsComma = false
        string(value)
    }

    mutating func member(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { string(value) } else { null() }
    }

    mutating func member(_ name: StaticString, _ value: Int) {
        self.name(name)
        number(value)
    }

    private mutating func separate() {
        if needsComma { text += "," }
        needsComma = true
    }

    private mutating func open(_ bracket: String) {
        separate()
        text += bracket
        needsComma = false
    }

    private mutating func close(_ bracket: String) {
        text += bracket
        needsComma = true
    }

    static func append(_ value: String, to text: inout String) {
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
