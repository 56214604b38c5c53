internal import Foundation

/// The one spelling of texts that are compared, however a keyboard wrote their letters: `é` is one character or two, and a full-width
/// `Ａ` is an `A`. NFKC of Unicode Standard Annex 15, which is what NIST SP 800-63B (5.1.1.2 of revision 3, 3.1.1.2 of revision 4)
/// asks for before a password is hashed.
public enum NormalForm {
    public static func of(_ text: String) -> String {
        // ASCII is its own normal form.
        text.utf8.allSatisfy { $0 < 0x80 } ? text : text.precomposedStringWithCompatibilityMapping
    }
}
