/// Reads a whole number from the text of an integer, numeric or double precision column: `12`, `12.00`, `9.007199254740991e+15`.
enum WholeNumber {
    /// `nil` for a fraction, for a text that is no number, and beyond 64 bits.
    static func parse(_ text: String) -> Int? {
        var rest = text[...]
        let sign = rest.first == "-" ? "-" : ""
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        var digits = String(takeDigits(&rest))
        guard !digits.isEmpty else { return nil }
        var exponent = 0
        if rest.first == "." {
            rest.removeFirst()
            let fraction = takeDigits(&rest)
            digits += fraction
            exponent -= fraction.utf8.count
        }
        if rest.first == "e" || rest.first == "E" {
            rest.removeFirst()
            // A sign, and no more digits than the exponent of a double can have.
            guard rest.utf8.count <= 5, let power = Int(rest) else { return nil }
            exponent += power
            rest = ""
        }
        guard rest.isEmpty else { return nil }
        while exponent < 0, digits.last == "0" {
            digits.removeLast()
            exponent += 1
        }
        if digits.allSatisfy({ $0 == "0" }) { return 0 }
        // 2^63 has 19 digits.
        guard (0...19).contains(exponent) else { return nil }
        return Int(sign + digits + String(repeating: "0", count: exponent))
    }

    private static func takeDigits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest[digits.endIndex...]
        return digits
    }
}
