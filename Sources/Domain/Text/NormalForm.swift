internal import Foundation

/// Gives texts that are compared one spelling, however a keyboard wrote their letters: an `é` may be one character or two, and a
/// full-width `Ａ` is an `A`. The form is NFKC of Unicode Standard Annex 15, as NIST SP 800-63B asks for before a password is hashed
/// (5.1.1.2 of revision 3, 3.1.1.2 of revision 4).
public enum NormalForm {
    public static func of(_ text: String) -> String {
        // ASCII is its own normal form.
        text.utf8.allSatisfy { $0 < 0x80 } ? text : text.precomposedStringWithCompatibilityMapping
    }
}
