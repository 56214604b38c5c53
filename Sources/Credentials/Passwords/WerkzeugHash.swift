/// A password as Werkzeug's `generate_password_hash` stores it, which Flask services use: `method$salt$key`, the salt as it is,
/// the key in lower-case hexadecimal digits. Methods are `pbkdf2:HASH:ITERATIONS` and, since 2.3, `scrypt:N:r:p`
/// (https://werkzeug.palletsprojects.com/en/stable/utils/#module-werkzeug.security).
///
/// Such a hash is only checked, never made. The plain digests of before Werkzeug 3 (`md5$…`, `sha1$…`) are not accepted: somebody who
/// copies them can try thousands of millions of passwords a second.
struct WerkzeugHash: Sendable, Hashable {
    /// The most that a stored hash may ask for: four times what Werkzeug 3.1 does, 2 s with SHA-256.
    static let iterationsLimit = 4_000_000
    /// The iterations of a method that names none, as in Werkzeug 3.1. All versions name them.
    static let standardIterations = 1_000_000
    /// The cost of `scrypt` without parameters.
    static let standardCost = ScryptCost(logarithm: 15, blockSize: 8, parallelism: 1)
    static let scryptKeyBytes = 64
    static let saltBytesLimit = 128

    private enum Method: Hashable {
        case scrypt(ScryptCost)
        case pbkdf2(PBKDF2.Hash, iterations: Int)

        var keyBytes: Int {
            switch self {
            case .scrypt: WerkzeugHash.scryptKeyBytes
            case .pbkdf2(let hash, _): hash.byteCount
            }
        }
    }

    private let method: Method
    private let salt: [UInt8]
    private let key: [UInt8]

    init?(_ text: String) {
        let fields = text.split(separator: "$", omittingEmptySubsequences: false)
        guard fields.count == 3, let method = WerkzeugHash.method(fields[0]),
            (1...WerkzeugHash.saltBytesLimit).contains(fields[1].utf8.count),
            let key = WerkzeugHash.bytes(fields[2]), key.count == method.keyBytes
        else { return nil }
        self.method = method
        salt = Array(fields[1].utf8)
        self.key = key
    }

    /// Compares a password with the hash, in the time and memory of the hash's own method. `nil`: memory is short.
    func matches(_ password: String) -> Bool? {
        let password = Array(password.utf8)
        let key =
            switch method {
            case .scrypt(let cost): Scrypt.key(password: password, salt: salt, cost: cost, count: self.key.count)
            case .pbkdf2(let hash, let iterations):
                PBKDF2.key(password: password, salt: salt, iterations: iterations, hash: hash)
            }
        return key.map { Scrypt.matches($0, self.key) }
    }

    private static func method(_ text: Substring) -> Method? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("scrypt", 1): return .scrypt(standardCost)
        case ("scrypt", 4):
            // N itself, not its logarithm; scrypt takes powers of two (RFC 7914, section 2).
            guard let n = number(parts[1]), n > 1, n & (n - 1) == 0, let r = number(parts[2]), let p = number(parts[3]) else {
                return nil
            }
            let cost = ScryptCost(logarithm: n.trailingZeroBitCount, blockSize: r, parallelism: p)
            return cost.isAcceptable ? .scrypt(cost) : nil
        case ("pbkdf2", 1...3):
            guard let hash = parts.count > 1 ? PBKDF2.Hash(rawValue: String(parts[1])) : .sha256,
                let iterations = parts.count > 2 ? number(parts[2]) : standardIterations,
                (1...iterationsLimit).contains(iterations)
            else { return nil }
            return .pbkdf2(hash, iterations: iterations)
        default: return nil
        }
    }

    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func bytes(_ hex: Substring) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
