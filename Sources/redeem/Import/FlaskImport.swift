internal import Domain
internal import Logging
internal import Persistence
internal import PostgresClient
internal import Terminal

/// Takes over the users, the coupons and the past uses of a Flask service, in one transaction.
struct FlaskImport: Sendable {
    /// How long a statement may take here: one may write a million rows.
    static let statementTimeout: Duration = .seconds(600)

    let source: PostgresConfiguration
    /// The id of the key that `rules` digest codes with.
    let codeKeyID: String
    let rules: FlaskRules
    /// `false`: everything is done, and then rolled back.
    let keep: Bool
    /// The time zone of moments that do not say theirs.
    let timeZone: String
    let logger: Logger

    /// Does the import. It blocks the thread.
    func run(on connection: PostgresConnection) throws -> ImportReport {
        try FlaskSource.open(source, logger: logger, timeZone: timeZone) { source in
            try connection.importing(keep: keep, actor: Actor.flask) { stage in
                var report = ImportReport()
                // With a wrong key all reading would be for nothing. The key is claimed later, where coupons are written, behind
                // the lock of the control log.
                try connection.checkKey(.code, ids: [codeKeyID])
                var coupons = FlaskCoupons(
                    here: try connection.allCoupons(),
                    imported: try connection.couponsCreated(by: Actor.flask),
                    rules: rules
                )
                try source.readCoupons { page in
                    coupons.add(page, &report)
                    remark(on: page, source, &report)
                }
                coupons.noteGone(&report)
                try readUsers(source, stage, &report)
                try readUses(source, coupons, stage, &report)
                var bar: ProgressBar?
                try stage.write(Array(coupons.staged.values), codeKey: codeKeyID, into: &report) { done, total in
                    if bar == nil { bar = ProgressBar("writing", total: total) }
                    bar?.update(done)
                }
                bar?.finish()
                return report
            }
        }
    }

    /// Notes how ends of coupons were understood that the service does not state clearly.
    private func remark(on page: [FlaskCoupon], _ source: FlaskSource, _ report: inout ImportReport) {
        for coupon in page {
            let label = FlaskRules.label("coupon", coupon.id ?? "without an id", coupon.name)
            if coupon.isEndless {
                report.note(.couponEndless, label)
            } else if source.hasNaiveEnds {
                report.note(.timeZoneAssumed, "\(label): \(source.timeZone)")
            }
        }
    }

    private func readUsers(_ source: FlaskSource, _ stage: ImportStage, _ report: inout ImportReport) throws {
        var bar = ProgressBar("reading users", total: source.users)
        try source.readUsers { page in
            let users = page.compactMap { rules.user($0, &report) }
            try stage.stage(users)
            report.users.read += page.count
            report.users.skipped += page.count - users.count
            bar.update(report.users.read)
        }
        bar.finish()
    }

    private func readUses(
        _ source: FlaskSource,
        _ coupons: FlaskCoupons,
        _ stage: ImportStage,
        _ report: inout ImportReport
    ) throws {
        var bar = ProgressBar("reading past uses", total: source.uses)
        try source.readUses { page in
            let uses = page.compactMap { coupons.use($0, &report) }
            try stage.stage(uses)
            report.uses.read += page.count
            report.uses.skipped += page.count - uses.count
            bar.update(report.uses.read)
        }
        bar.finish()
    }
}
