import CLibPQ

/// What libpq makes of a connection URI or keyword string.
enum ConnectionString {
    /// The parts that are safe to show, as libpq keywords.
    static func summary(of text: String) -> String {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            // libpq quotes the text in its message, and with it the password.
            PQfreemem(message)
            return "not a valid Postgres URL"
        }
        defer { PQconninfoFree(options) }
        var shown: [String] = []
        var option = options
        while let keyword = option.pointee.keyword {
            let name = String(cString: keyword)
            if let value = option.pointee.val, ["host", "hostaddr", "port", "user", "dbname"].contains(name) {
                shown.append("\(name)=\(String(cString: value))")
            }
            option += 1
        }
        return shown.isEmpty ? "libpq's defaults" : shown.joined(separator: " ")
    }

    static func isValid(_ text: String) -> Bool {
        guard let options = PQconninfoParse(text, nil) else { return false }
        PQconninfoFree(options)
        return true
    }
}
