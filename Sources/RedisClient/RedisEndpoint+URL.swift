/// A fault of a Redis URL. It names the part and never quotes the URL: a password may be in any part of it, where it is not encoded.
public struct RedisURLError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Part: String, Sendable, CaseIterable {
        case scheme, user, password, host, port, primary, database, path, option
    }

    public let part: Part
    public let reason: String

    init(_ part: Part, _ reason: String) {
        self.part = part
        self.reason = reason
    }

    public var description: String { "Redis URL, \(part.rawValue): \(reason)" }
}

extension RedisEndpoint {
    public init(url: String) throws(RedisURLError) {
        guard let separator = url.firstRange(of: "://") else {
            throw RedisEndpoint.unknownScheme
        }
        let rest = url[separator.upperBound...]
        switch url[..<separator.lowerBound] {
        case "redis": try self.init(network: rest, isTLS: false)
        case "rediss": try self.init(network: rest, isTLS: true)
        case "unix": try self.init(socket: rest)
        case "sentinel": try self.init(sentinels: rest, isTLS: false)
        case "sentinels": try self.init(sentinels: rest, isTLS: true)
        case "cluster": try self.init(cluster: rest, isTLS: false)
        case "clusters": try self.init(cluster: rest, isTLS: true)
        default: throw RedisEndpoint.unknownScheme
        }
    }

    private static var unknownScheme: RedisURLError {
        RedisURLError(.scheme, "must be redis://, rediss://, unix://, sentinel://, sentinels://, cluster:// or clusters://")
    }

    /// Splits the text into the part before the path, and the path with everything behind it.
    private static func authority(_ text: Substring) throws(RedisURLError) -> (authority: Substring, path: Substring) {
        let authority = text.prefix { !"/?#".contains($0) }
        let path = text[authority.endIndex...]
        guard !path.contains("@") else {
            throw RedisURLError(.password, "'/', '?' and '#' must be percent-encoded")
        }
        return (authority, path)
    }

    private init(network text: Substring, isTLS: Bool) throws(RedisURLError) {
        let (authority, path) = try RedisEndpoint.authority(text)
        guard !path.contains(where: { "?#".contains($0) }) else {
            throw RedisURLError(.option, "none are known for redis:// and rediss://")
        }
        let (user, password) = try RedisEndpoint.login(authority)
        let (host, port) = try RedisEndpoint.hostAndPort(RedisEndpoint.place(authority), defaultPort: RedisEndpoint.defaultPort)
        self.init(
            address: .tcp(host: host, port: port),
            isTLS: isTLS,
            user: user,
            password: password,
            database: try RedisEndpoint.database(path.dropFirst())
        )
    }

    private init(sentinels text: Substring, isTLS: Bool) throws(RedisURLError) {
        let (authority, rest) = try RedisEndpoint.authority(text)
        let (user, password) = try RedisEndpoint.login(authority)
        let sentinels = try RedisEndpoint.nodes(authority, defaultPort: RedisEndpoint.defaultSentinelPort)
        let path = rest.prefix { !"?#".contains($0) }.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard let name = path.first, !name.isEmpty, path.count <= 2 else {
            throw RedisURLError(.primary, "must be the name that the Sentinels know it by: sentinel://host,host/name")
        }
        var sentinelUser: String?
        var sentinelPassword: Password?
        let options = rest.drop { $0 != "?" && $0 != "#" }
        guard options.first != "#" else { throw RedisURLError(.option, "nothing is known behind '#'") }
        for option in options.dropFirst().split(separator: "&") {
            let name = option.prefix { $0 != "=" }
            let value = option[name.endIndex...].dropFirst()
            switch name {
            case "sentinel_user": sentinelUser = try RedisEndpoint.decode(value, .user)
            case "sentinel_password": sentinelPassword = Password(text: try RedisEndpoint.decode(value, .password))
            default: throw RedisURLError(.option, "only sentinel_user and sentinel_password are known")
            }
        }
        guard sentinelUser == nil || sentinelPassword != nil else {
            throw RedisURLError(.user, "sentinel_user is given without sentinel_password")
        }
        self.init(
            address: .sentinels(sentinels, primary: try RedisEndpoint.decode(name, .primary)),
            isTLS: isTLS,
            user: user,
            password: password,
            database: try RedisEndpoint.database(path.dropFirst().first ?? ""),
            sentinelUser: sentinelUser,
            sentinelPassword: sentinelPassword
        )
    }

    private init(cluster text: Substring, isTLS: Bool) throws(RedisURLError) {
        let (authority, path) = try RedisEndpoint.authority(text)
        let (user, password) = try RedisEndpoint.login(authority)
        guard !path.contains(where: { "?#".contains($0) }) else {
            throw RedisURLError(.option, "none are known for cluster:// and clusters://")
        }
        guard ["", "/"].contains(path) else { throw RedisURLError(.database, "a cluster has only database 0: leave it out") }
        self.init(
            address: .cluster(try RedisEndpoint.nodes(authority, defaultPort: RedisEndpoint.defaultPort)),
            isTLS: isTLS,
            user: user,
            password: password,
            database: 0
        )
    }

    private init(socket text: Substring) throws(RedisURLError) {
        guard text.first == "/" else { throw RedisURLError(.path, "must be absolute: unix:///path") }
        let encodedPath = text.prefix { $0 != "?" }
        let path = try RedisEndpoint.decode(encodedPath, .path)
        // sockaddr_un has room for 107 bytes and the final zero (Linux, unix(7)).
        guard path.utf8.count <= 107 else { throw RedisURLError(.path, "longer than 107 bytes") }

        var user: String?
        var password: Password?
        var database = 0
        for option in text[encodedPath.endIndex...].dropFirst().split(separator: "&") {
            let name = option.prefix { $0 != "=" }
            let value = option[name.endIndex...].dropFirst()
            switch name {
            case "db": database = try RedisEndpoint.database(value)
            case "user": user = try RedisEndpoint.decode(value, .user)
            case "password": password = Password(text: try RedisEndpoint.decode(value, .password))
            default: throw RedisURLError(.option, "only db, user and password are known")
            }
        }
        guard user == nil || password != nil else { throw RedisURLError(.user, "given without a password") }
        self.init(address: .unix(path: path), isTLS: false, user: user, password: password, database: database)
    }

    private static func login(_ authority: Substring) throws(RedisURLError) -> (String?, Password?) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let login = authority[..<at]
        let user = login.prefix { $0 != ":" }
        guard user.endIndex < login.endIndex else {
            throw RedisURLError(.user, "given without a password (a password alone is written ':password@')")
        }
        let password = try decode(login[user.endIndex...].dropFirst(), .password)
        return (user.isEmpty ? nil : try decode(user, .user), Password(text: password))
    }

    /// The addresses behind the login, with commas between them.
    private static func nodes(_ authority: Substring, defaultPort: Int) throws(RedisURLError) -> [Node] {
        var nodes: [Node] = []
        for place in RedisEndpoint.place(authority).split(separator: ",", omittingEmptySubsequences: false) {
            let (host, port) = try RedisEndpoint.hostAndPort(place, defaultPort: defaultPort)
            nodes.append(Node(host: host, port: port))
        }
        return nodes
    }

    /// The part behind the login.
    private static func place(_ authority: Substring) -> Substring {
        authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    }

    private static func hostAndPort(_ place: Substring, defaultPort: Int) throws(RedisURLError) -> (String, Int) {
        let host: Substring
        let rest: Substring
        if place.first == "[" {
            guard let bracket = place.firstIndex(of: "]") else { throw RedisURLError(.host, "']' is missing") }
            host = place[..<bracket].dropFirst()
            rest = place[bracket...].dropFirst()
            guard rest.isEmpty || rest.first == ":" else { throw RedisURLError(.port, "must follow a ':'") }
        } else {
            host = place.prefix { $0 != ":" }
            rest = place[host.endIndex...]
        }
        guard !host.isEmpty else { throw RedisURLError(.host, "missing") }
        guard !rest.isEmpty else { return (String(host), defaultPort) }
        guard let port = number(rest.dropFirst()), (1...65535).contains(port) else {
            throw RedisURLError(.port, "must be a number from 1 to 65535")
        }
        return (String(host), port)
    }

    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        if text.isEmpty { return 0 }
        guard let database = number(text) else { throw RedisURLError(.database, "must be a number from 0") }
        return database
    }

    /// Reads digits only, since `Int` would accept a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func decode(_ text: Substring, _ part: RedisURLError.Part) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexDigit, let low = rest.popFirst()?.hexDigit else {
                throw RedisURLError(part, "'%' must be followed by two hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw RedisURLError(part, "is not UTF-8") }
        return decoded
    }
}

extension UInt8 {
    fileprivate var hexDigit: UInt8? {
        Character(UnicodeScalar(self)).hexDigitValue.map(UInt8.init)
    }
}
