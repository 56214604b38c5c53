internal import Foundation

/// Results go to stdout, for people as a table or for programs as JSON; everything else goes to stderr.
enum Output {
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Columns as wide as their widest cell; numbers to the right.
    static func table(_ header: [String], _ rows: [[String]]) {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [header] + rows {
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return Int(row[column]) == nil ? row[column] + padding : padding + row[column]
            }
            print(cells.joined(separator: "  ").trimmingSuffix(" "))
        }
    }

    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// A URL that was given, without what may be a password in it.
    static func withoutLogin(_ url: String) -> String {
        url.replacing(#/:\/\/[^'\n]*@/#, with: "://…@")
    }
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self[...]
        while text.last == character { text.removeLast() }
        return String(text)
    }
}
