/// Decides which arguments a message may repeat. A code or a password easily gets into the wrong place: behind `--code-stdin`, which takes
/// no value, in two words without quotes, or behind the flag before.
package struct ArgumentSecrets: Sendable {
    /// Flags that take a code, or read a code or password from standard input.
    package static let flags: Set<String> = ["--code", "--code-stdin", "--password-stdin"]

    package static let ofThisProcess = ArgumentSecrets(CommandLine.arguments)

    /// The most characters of a name that are shown.
    private static let shownLength = 80

    /// The arguments behind such a flag, up to the next flag. A flag right behind it is one of them, since a secret may begin with two
    /// dashes.
    private let secrets: Set<String>
    /// All arguments, and both sides of those with an equals sign. The longest come first, for one may be a part of another.
    private let words: [String]

    /// - Parameter arguments: with the program's name in front.
    package init(_ arguments: [String]) {
        var secrets: Set<String> = []
        var words: Set<String> = []
        var (isBehind, isRightBehind) = (false, false)
        for argument in arguments.dropFirst() {
            let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            words.formUnion([argument] + sides)
            let isFlag = argument.hasPrefix("--")
            if isBehind, !isFlag || isRightBehind { secrets.formUnion([argument] + sides) }
            if isFlag {
                isBehind = ArgumentSecrets.flags.contains(sides[0])
                isRightBehind = isBehind
                if isBehind { secrets.formUnion(sides.dropFirst()) }
            } else {
                isRightBehind = false
            }
        }
        self.secrets = secrets
        self.words = words.subtracting([""]).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// A name that was given, in quotes; of a secret only `…`.
    package func quoted(_ text: String) -> String {
        secrets.contains(text) ? "'…'" : "'\(text.prefix(ArgumentSecrets.shownLength))'"
    }

    /// A message of the argument parser, which does not know what it quotes, without words that may be secrets. It may repeat names of
    /// flags, words where one of a few is expected, and, as messages about settings may, words that look like a number where one is
    /// expected.
    package func hidden(in message: String) -> String {
        let isChoice = message.contains("Please provide one of ")
        return words.reduce(message) { message, word in
            message.replacing("'\(word)'", with: "'\(parsed(word, isChoice: isChoice))'")
        }
    }

    private func parsed(_ word: String, isChoice: Bool) -> String {
        if secrets.contains(word) { return "…" }
        if word.hasPrefix("--") || isChoice || ArgumentSecrets.isNumeric(word) { return word }
        // `-pSECRET`, as other programs take it.
        return word.hasPrefix("-") ? "\(word.prefix(2))…" : "…"
    }

    /// True if the value looks like a number or an address.
    package static func isNumeric(_ value: String) -> Bool {
        value.utf8.count <= 20 && value.allSatisfy { $0.isASCII && ($0.isNumber || "+-.,:/_".contains($0)) }
    }
}
