/// A fault of a text from outside. The caller puts the text's name and place in front of it.
public enum TextFault: Error, Hashable, Sendable {
    /// - Parameter byte: the place of the first byte that is not UTF-8, from 1.
    case notUTF8(byte: Int)
    case empty
    case blank
    case blankAtEdge
    /// A character that nobody can see or type, such as the end of a line, ESC or NUL; or a byte order mark behind the beginning.
    /// - Parameter position: in characters (Unicode scalars), from 1.
    case control(Unicode.Scalar, position: Int)
    /// A character that leaves no mark, such as a zero-width space: people who type what they see type another text.
    case invisible(Unicode.Scalar, position: Int)
    /// A character that this version of Unicode does not know. A later version may call it equal to another one.
    case unassigned(Unicode.Scalar, position: Int)
    case tooShort(characters: Int, least: Int)
    case tooLong(bytes: Int, most: Int)

    /// The fault in words, to stand behind the text's name: `is empty`. The text may be a secret, so the words show nothing of it but the
    /// one character that must not be there.
    public var words: String {
        switch self {
        case .notUTF8(let byte): "is not UTF-8 (byte \(byte))"
        case .empty: "is empty"
        case .blank: "has nothing but blanks"
        case .blankAtEdge: "begins or ends with a blank"
        case .control(let scalar, let position):
            "has the control character \(TextFault.name(of: scalar)) at position \(position)"
        case .invisible(let scalar, let position):
            "has the invisible character \(TextFault.name(of: scalar)) at position \(position)"
        case .unassigned(let scalar, let position):
            "has the unassigned character \(TextFault.name(of: scalar)) at position \(position)"
        case .tooShort(let characters, _): characters == 1 ? "has 1 character" : "has \(characters) characters"
        case .tooLong(let bytes, let most): "has \(bytes) bytes, and may have \(most)"
        }
    }

    public var remedy: String {
        switch self {
        case .notUTF8: "write it in UTF-8"
        case .empty, .blank: "write something"
        case .blankAtEdge: "remove the blank"
        case .control, .invisible, .unassigned: "remove the character"
        case .tooShort(_, let least): "use \(least) characters at least"
        case .tooLong(_, let most): "use at most \(most) bytes of UTF-8"
        }
    }

    /// The first control character of a text. No text may have one, whatever its purpose.
    public static func control(in text: String) -> TextFault? {
        let found = first(in: text) { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            case _: scalar == UTF8Text.byteOrderMark
            }
        }
        return found.map { .control($0.scalar, position: $0.position) }
    }

    /// The first invisible character of a text. Joiners and tags leave no mark either, but are allowed: they change how their neighbours
    /// look, letters or an emoji.
    static func invisible(in text: String) -> TextFault? {
        let found = first(in: text) { scalar in
            guard scalar.properties.generalCategory == .format, scalar.properties.isDefaultIgnorableCodePoint else {
                return false
            }
            switch scalar.value {
            case 0x200C, 0x200D, 0xE0020...0xE007F: return false
            default: return true
            }
        }
        return found.map { .invisible($0.scalar, position: $0.position) }
    }

    static func first(
        in text: String,
        where isWanted: (Unicode.Scalar) -> Bool
    ) -> (scalar: Unicode.Scalar, position: Int)? {
        text.unicodeScalars.enumerated().first { isWanted($0.element) }.map { ($0.element, $0.offset + 1) }
    }

    /// `U+001B`
    public static func name(of scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}
