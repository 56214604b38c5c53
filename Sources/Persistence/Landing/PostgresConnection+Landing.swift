import Domain
public import PostgresClient

extension PostgresConnection {
    private static let landingColumns = [
        "id", "user_id", "coupon_id", "price", "redeemed_at", "shard", "epoch", "stream_id",
    ]

    /// Lands a batch: writes its redemptions as rows and moves the cursor, in one transaction. A redemption that does not fit goes to
    /// quarantine, and the others land. It does not fit if its user or coupon is unknown, it is a second one of the same user, it is
    /// beyond the coupon's total, or its epoch or price is wrong.
    ///
    /// Throws `LandingError` or `PostgresError`. After one whose `outcomeIsUnknown` is true, the cursor tells whether the batch landed.
    public func land(_ batch: LandingBatch) throws -> LandingResult {
        guard batch.isInOrder else { throw LandingError.outOfOrder }
        let rows = batch.entries.lazy.filter { $0.epoch == batch.cursor.epoch }.flatMap { entry in
            entry.redemptions.lazy.map { LandingRow(redemption: $0, entry: entry.id) }
        }
        return try land(batch, ContiguousArray(rows))
    }

    private func land(_ batch: LandingBatch, _ rows: ContiguousArray<LandingRow>) throws -> LandingResult {
        do {
            return try transaction {
                try lockCursor(of: batch.shard, expected: batch.cursor)
                try insert(rows[...], batch)
                return try finish(batch, landed: rows.count, quarantined: 0)
            }
        } catch let error as PostgresError where error.isCausedByData {
            return try transaction {
                try lockCursor(of: batch.shard, expected: batch.cursor)
                let quarantined = try insertWhatFits(rows[...], batch)
                return try finish(batch, landed: rows.count - quarantined, quarantined: quarantined)
            }
        }
    }

    private func finish(_ batch: LandingBatch, landed: Int, quarantined: Int) throws -> LandingResult {
        let unfit = try quarantineUnfit(batch)
        let cursor = Cursor(epoch: batch.cursor.epoch, lastID: batch.last)
        try moveCursor(of: batch.shard, to: cursor)
        return LandingResult(landed: landed, quarantined: quarantined + unfit, cursor: cursor)
    }

    /// Writes all rows into `redemptions`, or throws.
    func insert(_ rows: ArraySlice<LandingRow>, _ batch: LandingBatch) throws(PostgresError) {
        guard !rows.isEmpty else { return }
        try requireUsers(rows)
        try copyIn(rows, into: "redemptions", PostgresConnection.landingColumns) { row, copy in
            let redemption = row.redemption
            copy.row(
                redemption.id,
                redemption.user,
                redemption.coupon,
                redemption.price,
                redemption.redeemedAt,
                batch.shard,
                batch.cursor.epoch,
                row.entry
            )
        }
        try countRedeemed(rows)
    }
}
