public import Domain

/// What was read at one place of the outbox.
public enum OutboxRead: Sendable, Hashable {
    case entry(OutboxEntry)
    /// Not what `redeem.lua` writes. The fields are as they stand in Redis: name, value, name, value, …
    case malformed(id: StreamID, fields: [String], reason: String)

    public var id: StreamID {
        switch self {
        case .entry(let entry): entry.id
        case .malformed(let id, _, _): id
        }
    }

    /// Reads the fields of an entry: epoch, coupon, price, then user and tail of each redemption.
    init(id: StreamID, fields: [String]) {
        func malformed(_ reason: String) -> OutboxRead { .malformed(id: id, fields: fields, reason: reason) }

        guard fields.count >= 8, fields.count.isMultiple(of: 2), fields[0] == "epoch", fields[2] == "coupon", fields[4] == "price"
        else {
            self = malformed("the fields are not epoch, coupon, price and at least one redemption")
            return
        }
        guard let epoch = Int(fields[1]) else {
            self = malformed("not an epoch: '\(fields[1])'")
            return
        }
        guard let coupon = CouponID(fields[3]) else {
            self = malformed("not a coupon id: '\(fields[3])'")
            return
        }
        guard let price = Int(fields[5]), (0...Limits.amount).contains(price) else {
            self = malformed("not a price: '\(fields[5])'")
            return
        }
        var redemptions: [Redemption] = []
        redemptions.reserveCapacity((fields.count - 6) / 2)
        for index in stride(from: 6, to: fields.count, by: 2) {
            guard let user = UserID(fields[index]) else {
                self = malformed("not a user id: '\(fields[index])'")
                return
            }
            guard let tail = UUIDv7.Tail(fields[index + 1]) else {
                self = malformed("not the tail of a redemption id: '\(fields[index + 1])'")
                return
            }
            redemptions.append(
                Redemption(id: RedemptionID(outbox: id, tail: tail), user: user, coupon: coupon, price: price)
            )
        }
        self = .entry(OutboxEntry(id: id, epoch: Epoch(epoch), redemptions: redemptions))
    }
}
