/// A stored password: scrypt in the PHC string format, `$scrypt$ln=17,r=8,p=1$<salt>$<key>`, both in base64 without padding
/// (https://github.com/P-H-C/phc-string-format).
struct PasswordHash: Sendable, Hashable, CustomStringConvertible {
    static let saltBytes = 16
    static let keyBytes = 32

    let cost: ScryptCost
    let salt: [UInt8]
    let key: [UInt8]

    /// Hashes a password, in the time and memory of `cost`, so never on an event loop or the cooperative pool. `nil`: memory is short.
    init?(password: String, cost: ScryptCost, salt: [UInt8] = SecureRandom.bytes(saltBytes)) {
        guard let key = Scrypt.key(password: Array(password.utf8), salt: salt, cost: cost, count: PasswordHash.keyBytes) else {
            return nil
        }
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    init?(_ text: String) {
        let fields = text.split(separator: "$", omittingEmptySubsequences: false)
        guard fields.count == 5, fields[0].isEmpty, fields[1] == "scrypt",
            let cost = PasswordHash.cost(fields[2]),
            let salt = Base64.decode(fields[3].utf8, alphabet: .standard), (1...64).contains(salt.count),
            let key = Base64.decode(fields[4].utf8, alphabet: .standard), (16...64).contains(key.count)
        else { return nil }
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    /// Compares a password with the hash, in the time and memory of the hash's own cost. `nil`: memory is short.
    func matches(_ password: String) -> Bool? {
        Scrypt.key(password: Array(password.utf8), salt: salt, cost: cost, count: key.count).map { Scrypt.matches($0, key) }
    }

    var description: String {
        let salt = Base64.encode(salt, alphabet: .standard)
        let key = Base64.encode(key, alphabet: .standard)
        return "$scrypt$ln=\(cost.logarithm),r=\(cost.blockSize),p=\(cost.parallelism)$\(salt)$\(key)"
    }

    private static func cost(_ text: Substring) -> ScryptCost? {
        let parameters = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parameters.count == 3,
            let logarithm = number(parameters[0], after: "ln="),
            let blockSize = number(parameters[1], after: "r="),
            let parallelism = number(parameters[2], after: "p=")
        else { return nil }
        let cost = ScryptCost(logarithm: logarithm, blockSize: blockSize, parallelism: parallelism)
        return cost.isAcceptable ? cost : nil
    }

    private static func number(_ text: Substring, after name: String) -> Int? {
        guard text.hasPrefix(name) else { return nil }
        let digits = text.dropFirst(name.count)
        return digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(digits) : nil
    }
}
