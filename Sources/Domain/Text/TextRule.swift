/// The rule for a text from outside, by its purpose. Each text that comes in by standard input, a flag, a file or HTTP is read by one of
/// these rules.
public struct TextRule: Sendable {
    private var leastCharacters = 1
    private let mostBytes: Int
    private var blankEdges = true
    private var isCompared = false
    private var isSeen = false

    private init(mostBytes: Int) { self.mostBytes = mostBytes }

    /// A name to show.
    public static let name = TextRule(mostBytes: Limits.nameBytes)
    /// The reason that an operator gives for an action.
    public static let reason = TextRule(mostBytes: Limits.reasonBytes)
    /// A hidden code. Blanks at its edges and invisible characters are refused: they belong to the page that it was copied from.
    public static let hiddenCode = {
        var rule = TextRule(mostBytes: Limits.codeBytes)
        (rule.blankEdges, rule.isCompared, rule.isSeen) = (false, true, true)
        return rule
    }()
    /// A new password. A password that is typed to log in is only compared, and needs no rule.
    public static let password = {
        var rule = TextRule(mostBytes: Limits.passwordBytes)
        (rule.leastCharacters, rule.isCompared) = (Limits.passwordCharactersLeast, true)
        return rule
    }()

    /// - Returns: the text to keep, in its normal form if it will be compared.
    public func read(_ text: String) throws(TextFault) -> String {
        guard !text.isEmpty else { throw .empty }
        if let control = TextFault.control(in: text) { throw control }
        if isSeen, let invisible = TextFault.invisible(in: text) { throw invisible }
        if isCompared, let unassigned = TextFault.first(in: text, where: { $0.properties.generalCategory == .unassigned }) {
            throw .unassigned(unassigned.scalar, position: unassigned.position)
        }
        let kept = isCompared ? NormalForm.of(text) : text
        let scalars = kept.unicodeScalars
        if scalars.allSatisfy(\.properties.isWhitespace) { throw .blank }
        if !blankEdges, scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true {
            throw .blankAtEdge
        }
        guard scalars.count >= leastCharacters else { throw .tooShort(characters: scalars.count, least: leastCharacters) }
        guard kept.utf8.count <= mostBytes else { throw .tooLong(bytes: kept.utf8.count, most: mostBytes) }
        return kept
    }

    public func read(utf8 bytes: some Collection<UInt8>) throws(TextFault) -> String {
        try read(try UTF8Text.string(bytes))
    }

    /// True where `read` would surely return the same bytes: visible ASCII without a blank at an edge, as nearly every redemption's code
    /// is. It makes no text of them, so it is cheap. False says nothing.
    public func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let blank = UInt8(ascii: " ")
        guard let first = bytes.first, first != blank, bytes[bytes.count - 1] != blank else { return false }
        return (leastCharacters...mostBytes).contains(bytes.count) && bytes.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
