internal import Foundation

/// Writes what a program tells. Results go to stdout, for people as text or a table, for programs as JSON; everything else goes to stderr.
/// All of it is made `Printable` here, since stored text may come from somebody who wishes the operator ill.
package enum Output {
    package static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(Printable.json(String(decoding: try encoder.encode(value), as: UTF8.self)))
    }

    /// Lines of a result.
    package static func text(_ text: String) { print(Printable.text(text, lines: true)) }

    /// Columns as wide as their widest cell; numbers to the right.
    package static func table(_ header: [String], _ rows: [[String]]) {
        let rows = ([header] + rows).map { $0.map { Printable.text($0) } }
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return Int(row[column]) == nil ? row[column] + padding : padding + row[column]
            }
            print(cells.joined(separator: "  ").trimmingSuffix(" "))
        }
    }

    package static func note(_ text: String) {
        FileHandle.standardError.write(Data((Printable.text(text, lines: true) + "\n").utf8))
    }

    /// A URL that was given, without its user and password.
    package static func withoutLogin(_ url: String) -> String {
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
