public import Domain
public import PostgresClient

// The control log as an owner reads it. A row that nobody can read must not keep the rows behind it from Redis, so nothing is
// converted by Postgres, where one bad row would fail the statement for all of them.
extension PostgresConnection {
    /// The next rows after `sequence`, in order.
    public func controlEntries(after sequence: Int, limit: Int) throws -> [LoggedControl] {
        let members = ControlPayload.Member.allCases.map { "payload->>'\($0.rawValue)'" }.joined(separator: ", ")
        let sql = """
            select seq, \(PostgresConnection.controlMark), kind, \(members)
            from control_log where seq > $1 order by seq limit $2
            """
        return try query(sql, sequence, limit).map { row throws(PostgresError) in
            var members: [ControlPayload.Member: String] = [:]
            for (index, member) in ControlPayload.Member.allCases.enumerated() { members[member] = try row.decode(3 + index) }
            let content = ControlPayload(kind: try row.decode(2), members: members).content
            return LoggedControl(sequence: try row.decode(0), mark: try row.decode(1), content: content)
        }
    }
}

/// The content of one row, as text.
struct ControlPayload {
    enum Member: String, CaseIterable {
        case coupon, user, amount, state, name, code, price, total, redeemed, starts, ends, below, before, redemption, shard
    }

    let kind: String
    let members: [Member: String]

    var content: LoggedControl.Content {
        guard let kind = ControlChange.Kind(rawValue: kind) else { return .unreadable("'\(kind)' is no kind of entry") }
        do throws(Flaw) { return .change(try change(kind)) } catch { return .unreadable(error.text) }
    }

    private struct Flaw: Error {
        let text: String
    }

    private func change(_ kind: ControlChange.Kind) throws(Flaw) -> ControlChange {
        switch kind {
        case .couponState: .couponState(try value(.coupon), try state())
        case .couponRestocked: .couponRestocked(try value(.coupon), amount: try number(.amount, from: 1))
        case .creditGranted: .creditGranted(try value(.user), amount: try number(.amount, from: 1))
        case .userSessionsRevoked: .userSessionsRevoked(try value(.user), below: try number(.below))
        case .sessionsRevoked: .sessionsRevoked(before: Timestamp(milliseconds: Int64(try number(.before))))
        case .redemptionDropped:
            .redemptionDropped(
                Redemption(
                    id: try value(.redemption),
                    user: try value(.user),
                    coupon: try value(.coupon),
                    price: try number(.price)
                )
            )
        case .shardRebuild: .shardRebuild(Shard(index: try number(.shard)))
        case .couponCreated: .couponCreated(try coupon())
        }
    }

    /// An imported coupon may have been redeemed before it was created here. Rows of earlier versions lack 'redeemed'.
    private func coupon() throws(Flaw) -> Coupon {
        let total = try number(.total)
        let redeemed = members[.redeemed] == nil ? 0 : try number(.redeemed)
        guard redeemed <= total else { throw Flaw(text: "'redeemed' is \(redeemed) of \(total)") }
        guard let digest = CodeDigest(hex: try text(.code)) else { throw Flaw(text: "'code' is no digest") }
        return Coupon(
            id: try value(.coupon),
            name: try text(.name),
            codeDigest: digest,
            price: try number(.price),
            total: total,
            redeemed: redeemed,
            startsAt: try moment(.starts),
            endsAt: try moment(.ends),
            state: try state()
        )
    }

    private func text(_ member: Member) throws(Flaw) -> String {
        guard let text = members[member] else { throw Flaw(text: "there is no '\(member.rawValue)'") }
        return text
    }

    private func value<T: LosslessStringConvertible>(_ member: Member) throws(Flaw) -> T {
        guard let value = T(try text(member)) else { throw Flaw(text: "'\(member.rawValue)' cannot be read") }
        return value
    }

    private func number(_ member: Member, from least: Int = 0) throws(Flaw) -> Int {
        let number: Int = try value(member)
        guard (least...Limits.amount).contains(number) else { throw Flaw(text: "'\(member.rawValue)' is out of range") }
        return number
    }

    private func state() throws(Flaw) -> Coupon.State {
        guard let state = Coupon.State(rawValue: try text(.state)) else { throw Flaw(text: "'state' cannot be read") }
        return state
    }

    private func moment(_ member: Member) throws(Flaw) -> Timestamp? {
        members[member] == nil ? nil : Timestamp(milliseconds: Int64(try number(member)))
    }
}
