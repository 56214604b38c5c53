/// Makes text that others wrote safe for a terminal, which would obey some of it: ESC begins commands, and some characters reverse the
/// order of a line or cannot be seen. Each of them is shown by its number, as in `\u{1B}`.
package enum Printable {
    /// - Parameter lines: if true, ends of lines stay as they are.
    package static func text(_ text: String, lines: Bool = false) -> String {
        guard !text.utf8.allSatisfy({ isPlain($0, lines: lines) }) else { return text }
        return replacing(text, lines: lines) { "\\u{\(String($0.value, radix: 16, uppercase: true))}" }
    }

    /// JSON in which the same characters are escaped. They can only be inside of strings there.
    package static func json(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ isPlain($0, lines: true) }) else { return text }
        return replacing(text, lines: true) { scalar in
            UTF16.encode(scalar)!.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }.joined()
        }
    }

    private static func isPlain(_ byte: UInt8, lines: Bool) -> Bool {
        (0x20...0x7E).contains(byte) || (lines && byte == UInt8(ascii: "\n"))
    }

    private static func replacing(_ text: String, lines: Bool, _ escape: (Unicode.Scalar) -> String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.isPrintable || (lines && scalar == "\n") {
                result.unicodeScalars.append(scalar)
            } else {
                result += escape(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar.Properties {
    /// Bidirectional overrides, zero-width characters and byte order marks are of the category `format`.
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case _: true
        }
    }
}
