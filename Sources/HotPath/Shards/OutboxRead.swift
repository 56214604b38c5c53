public import Domain
import RedisClient

/// An entry of the outbox, as it was read.
public enum OutboxRead: Sendable, Hashable {
    case entry(OutboxEntry)
    /// The entry does not have the form that `redeem.lua` writes. The fields are as they stand in Redis: name, value, name, value, … A
    /// field that is not text is written as `\\x` and hexadecimal digits.
    case malformed(id: StreamID, fields: [String], reason: String)

    public var id: StreamID {
        switch self {
        case .entry(let entry): entry.id
        case .malformed(let id, _, _): id
        }
    }

    /// Reads the fields of an entry: epoch, coupon, price, and redemptions, which are bytes. Entries of earlier versions have two fields
    /// for each redemption behind the price: its user and its tail.
    init(id: StreamID, fields: [RESPValue]) {
        func malformed(_ reason: String) -> OutboxRead {
            .malformed(id: id, fields: fields.map(OutboxRead.text), reason: reason)
        }
        let texts = fields.map { $0.string ?? "" }

        guard fields.count >= 8, fields.count.isMultiple(of: 2), texts[0] == "epoch", texts[2] == "coupon", texts[4] == "price"
        else {
            self = malformed("the fields are not epoch, coupon, price and at least one redemption")
            return
        }
        guard let epoch = Int(texts[1]) else {
            self = malformed("not an epoch: '\(OutboxRead.text(fields[1]))'")
            return
        }
        guard let coupon = CouponID(texts[3]) else {
            self = malformed("not a coupon id: '\(OutboxRead.text(fields[3]))'")
            return
        }
        guard let price = Int(texts[5]), (0...Limits.amount).contains(price) else {
            self = malformed("not a price: '\(OutboxRead.text(fields[5]))'")
            return
        }
        var redemptions: [Redemption] = []
        func add(_ user: UserID, _ tail: UUIDv7.Tail) {
            redemptions.append(Redemption(id: RedemptionID(outbox: id, tail: tail), user: user, coupon: coupon, price: price))
        }
        if texts[6] == OutboxRead.redemptionsField {
            guard fields.count == 8 else {
                self = malformed("there are fields behind the redemptions")
                return
            }
            do throws(RedemptionsBlob.Fault) {
                for (user, tail) in try RedemptionsBlob.read(fields[7].bytes ?? []) { add(user, tail) }
            } catch {
                switch error {
                case .length(let count):
                    self = malformed("\(count) bytes of redemptions, which are \(RedemptionsBlob.bytesEach) each")
                case .user(let place): self = malformed("redemption \(place + 1) is not of a user")
                case .tail(let place): self = malformed("redemption \(place + 1) has no tail of an id")
                }
                return
            }
        } else {
            for index in stride(from: 6, to: fields.count, by: 2) {
                guard let user = UserID(texts[index]) else {
                    self = malformed("not a user id: '\(OutboxRead.text(fields[index]))'")
                    return
                }
                guard let tail = UUIDv7.Tail(texts[index + 1]) else {
                    self = malformed("not the tail of a redemption id: '\(OutboxRead.text(fields[index + 1]))'")
                    return
                }
                add(user, tail)
            }
        }
        self = .entry(OutboxEntry(id: id, epoch: Epoch(epoch), redemptions: redemptions))
    }

    private static let redemptionsField = "redemptions"

    /// A field as text. Bytes that are not UTF-8, or that Postgres's text cannot hold, are written as Postgres writes bytes, so
    /// nothing is lost.
    private static func text(_ field: RESPValue) -> String {
        if let text = field.string, !text.utf8.contains(0) { return text }
        return "\\x" + (field.bytes ?? []).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
