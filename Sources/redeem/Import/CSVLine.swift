internal import Domain

/// A fault in a line of a CSV file.
struct CSVFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// One line of a CSV file, by RFC 4180, without line breaks in quotes.
enum CSVLine {
    /// - Parameter line: without the LF at its end.
    static func fields(_ line: ArraySlice<UInt8>) throws(CSVFault) -> [String] {
        let bytes = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        let text: String
        do {
            text = try UTF8Text.string(bytes)
        } catch {
            // Notepad and PowerShell write UTF-16.
            let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            throw CSVFault("the line \(error.words)\(isUTF16 ? ", but UTF-16" : ""); save the file as UTF-8")
        }
        // Among them is NUL, which no text of Postgres can have.
        if let control = TextFault.control(in: text) { throw CSVFault("the line \(control.words)") }
        return try fields(text.unicodeScalars[...])
    }

    // Swift takes a quote and an accent behind it for one character, so this goes by scalars.
    private static func fields(_ line: Substring.UnicodeScalarView) throws(CSVFault) -> [String] {
        var fields: [String] = []
        var rest = line
        while true {
            fields.append(String(rest.first == "\"" ? try quoted(&rest) : try plain(&rest)))
            guard rest.first == "," else { return fields }
            rest.removeFirst()
        }
    }

    private static func quoted(_ rest: inout Substring.UnicodeScalarView) throws(CSVFault) -> String.UnicodeScalarView {
        var field = String.UnicodeScalarView()
        rest.removeFirst()
        while true {
            guard let quote = rest.firstIndex(of: "\"") else {
                throw CSVFault("a quote is not closed; close it on the same line")
            }
            field.append(contentsOf: rest[..<quote])
            rest = rest[rest.index(after: quote)...]
            guard rest.first == "\"" else { break }
            field.append("\"")
            rest.removeFirst()
        }
        guard rest.isEmpty || rest.first == "," else {
            throw CSVFault("text follows a closing quote; quote the whole field, and double quotes inside it")
        }
        return field
    }

    private static func plain(_ rest: inout Substring.UnicodeScalarView) throws(CSVFault) -> String.UnicodeScalarView {
        let end = rest.firstIndex(of: ",") ?? rest.endIndex
        let field = String.UnicodeScalarView(rest[..<end])
        guard !field.contains("\"") else {
            throw CSVFault("a quote inside an unquoted field; quote the whole field, and double quotes inside it")
        }
        rest = rest[end...]
        return field
    }
}
