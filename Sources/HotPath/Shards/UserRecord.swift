package import Domain

/// A user's record in the shard's hash of users. `redeem.lua` describes its form, and only scripts write it.
package struct UserRecord: Hashable, Sendable {
    /// The credit that the user can spend.
    package var available: Int
    /// The last control entry that the credit is known to contain.
    package var control: Int
    /// `nil`: no wrong code was ever entered.
    package var tries: Tries?
    package var redemptions: [CouponID: RedemptionID] = [:]
    /// Parts that cannot be read as redemptions.
    package var unreadable: [String] = []

    /// The attempts with wrong hidden codes. Moments are in milliseconds.
    package struct Tries: Hashable, Sendable {
        package var attempts: Int
        package var since: Int
        package var lockedUntil: Int

        package init(attempts: Int, since: Int, lockedUntil: Int) {
            self.attempts = attempts
            self.since = since
            self.lockedUntil = lockedUntil
        }
    }

    /// The field of the hash that says which epoch it is of.
    static let epochField = "epoch"

    package init(available: Int, control: Int) {
        self.available = available
        self.control = control
    }

    /// `nil`: the bytes are too few, or have numbers that no script writes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= 17, let available = UserRecord.number(bytes[0..<8]), let control = UserRecord.number(bytes[8..<16])
        else { return nil }
        self.init(available: available, control: control)
        var rest = bytes[17...]
        switch bytes[16] {
        case UInt8(ascii: " "): break
        case UInt8(ascii: "!"):
            guard bytes.count >= 41, let attempts = UserRecord.number(bytes[17..<25]),
                let since = UserRecord.number(bytes[25..<33]),
                let lockedUntil = UserRecord.number(bytes[33..<41])
            else { return nil }
            tries = Tries(attempts: attempts, since: since, lockedUntil: lockedUntil)
            rest = bytes[41...]
        default: return nil
        }
        for part in rest.split(separator: UInt8(ascii: ";")) { add(part) }
    }

    private mutating func add(_ part: ArraySlice<UInt8>) {
        let names = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        if names.count == 2, let coupon = CouponID(String(decoding: names[0], as: UTF8.self)),
            let id = UUIDv7(base64URL: names[1])
        {
            redemptions[coupon] = RedemptionID(uuid: id)
        } else {
            unreadable.append(String(decoding: part, as: UTF8.self))
        }
    }

    package var bytes: [UInt8] {
        var bytes = UserRecord.bytes(of: available) + UserRecord.bytes(of: control)
        if let tries {
            bytes.append(UInt8(ascii: "!"))
            for number in [tries.attempts, tries.since, tries.lockedUntil] { bytes += UserRecord.bytes(of: number) }
        } else {
            bytes.append(UInt8(ascii: " "))
        }
        for (coupon, id) in redemptions.sorted(by: { $0.value.description < $1.value.description }) {
            bytes += Array(";\(coupon)=\(id.uuid.base64URL)".utf8)
        }
        for part in unreadable { bytes += Array(";\(part)".utf8) }
        return bytes
    }

    /// A double, the most significant byte first, as `struct.pack('>d', …)` writes it.
    private static func bytes(of number: Int) -> [UInt8] {
        withUnsafeBytes(of: Double(number).bitPattern.bigEndian, Array.init)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        Int(exactly: Double(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) }))
    }
}
