/// The rule for usernames.
public enum Username {
    public static let rule = "1 to \(Limits.usernameLength) characters of a-z, A-Z, 0-9 and '. _ - @ +', a letter or digit first"

    public static func isValid(_ text: String) -> Bool {
        guard (1...Limits.usernameLength).contains(text.utf8.count) else { return false }
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"), UInt8(ascii: "+"):
                if index == 0 { return false }
            default: return false
            }
        }
        return true
    }
}
