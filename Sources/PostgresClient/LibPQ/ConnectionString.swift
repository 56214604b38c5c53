import CLibPQ

/// Reads a connection URI or keyword string as libpq does.
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

    /// The fault of a URL; `nil`: none that can be seen without connecting. It quotes no part of the URL: where a character of a password
    /// is not encoded, libpq takes the rest of the password for a host, a port or a database.
    static func fault(in text: String) -> String? {
        let form = "expected postgres://user:password@host:port/database"
        guard let options = PQconninfoParse(text, nil) else { return "it is not a valid Postgres URL; \(form)" }
        defer { PQconninfoFree(options) }
        let isURL = text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
        var option = options
        while let keyword = option.pointee.keyword {
            defer { option += 1 }
            guard let value = option.pointee.val.map({ String(cString: $0) }) else { continue }
            switch String(cString: keyword) {
            case "port":
                let isNumber = value.split(separator: ",").allSatisfy { UInt16($0) != nil }
                if !isNumber { return "its port is no number from 0 to 65535; \(form)" }
            case "host", "dbname":
                if isURL, value.contains("@") {
                    return "an '@', '/', '?' or ':' in its user, password or database must be percent-encoded ('@' is %40)"
                }
            default: break
            }
        }
        return nil
    }
}
