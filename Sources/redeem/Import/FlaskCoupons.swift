internal import Domain
internal import Persistence

/// The coupons of a Flask service, by their ids there, beside the coupons that are here. All are held in memory: a service that
/// lists its coupons has thousands, not millions.
struct FlaskCoupons {
    private let rules: FlaskRules
    private let hereByCode: [CodeDigest: CouponID]
    private let here: Set<CouponID>
    /// Coupons that earlier imports created, by their ids there. The ids here end with those.
    private let importedBySource: [String: Coupon]
    private var labelsByCode: [CodeDigest: String] = [:]
    private var seen: Set<String> = []
    private(set) var staged: [String: StagedCoupon] = [:]

    /// - Parameters:
    ///   - coupons: all coupons that are here.
    ///   - imported: the ids of those that earlier imports created.
    init(here coupons: [Coupon], imported: Set<CouponID>, rules: FlaskRules) {
        self.rules = rules
        hereByCode = Dictionary(uniqueKeysWithValues: coupons.map { ($0.codeDigest, $0.id) })
        here = Set(coupons.map(\.id))
        let known = coupons.filter { imported.contains($0.id) }.map { (CouponSlug.source(of: $0.id), $0) }
        importedBySource = Dictionary(known) { first, _ in first }
    }

    mutating func add(_ rows: [FlaskCoupon], _ report: inout ImportReport) {
        for row in rows {
            report.coupons.read += 1
            if add(row, &report) == nil { report.coupons.skipped += 1 }
            if let source = row.id { seen.insert(source) }
        }
    }

    /// Notes coupons that earlier imports created and the service no longer has. Call it when all rows were added.
    func noteGone(_ report: inout ImportReport) {
        for (source, coupon) in importedBySource.sorted(by: { $0.value.id < $1.value.id }) where !seen.contains(source) {
            report.note(.couponGone, "\(FlaskRules.label("coupon", source, coupon.name)), \(coupon.id) here")
        }
    }

    private mutating func add(_ row: FlaskCoupon, _ report: inout ImportReport) -> StagedCoupon? {
        guard let (source, coupon, left, label) = rules.coupon(row, &report) else { return nil }
        guard !seen.contains(source) else {
            report.note(.couponInvalid, "\(label): a row before has the id")
            return nil
        }
        // A coupon that was renamed there since keeps its id here.
        let imported = importedBySource[source]
        guard imported == nil || imported?.codeDigest == coupon.codeDigest else {
            report.note(.couponIDTaken, "\(label): it is '\(imported?.id ?? coupon.id)' here, with another hidden code")
            return nil
        }
        if imported == nil, let holder = hereByCode[coupon.codeDigest] {
            report.note(.couponCodeTaken, "\(label): the coupon '\(holder)', which is here already, has its hidden code")
            return nil
        }
        if let other = labelsByCode.updateValue(label, forKey: coupon.codeDigest) {
            report.note(.couponCodeTaken, "\(label): \(other) has its hidden code")
            return nil
        }
        if imported == nil, here.contains(coupon.id) {
            report.note(.couponIDTaken, "\(label): there is a coupon '\(coupon.id)' here with another hidden code")
            return nil
        }
        let result = StagedCoupon(
            id: imported?.id ?? coupon.id,
            name: coupon.name,
            codeDigest: coupon.codeDigest,
            price: coupon.price,
            left: left,
            endsAt: coupon.endsAt,
            state: coupon.state,
            label: label,
            isHere: imported != nil
        )
        staged[source] = result
        return result
    }

    /// The use as it will be staged; `nil` if it is not taken over.
    func use(_ row: FlaskUse, _ report: inout ImportReport) -> StagedUse? {
        guard let user = row.user, let coupon = row.coupon else {
            report.note(.useDangling, "user \(row.user ?? "NULL"), coupon \(row.coupon ?? "NULL")")
            return nil
        }
        guard let known = staged[coupon] else {
            let isThere = seen.contains(coupon)
            report.note(
                isThere ? .useOfSkipped : .useDangling,
                "user \(user), coupon \(coupon): \(isThere ? "the coupon was not taken over" : "there is no such coupon")"
            )
            return nil
        }
        return StagedUse(
            id: FlaskRules.redemption(user: user, coupon: coupon),
            user: FlaskRules.user(user),
            userSource: user,
            coupon: known.id,
            price: known.price
        )
    }
}
