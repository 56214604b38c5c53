internal import Persistence
internal import Terminal

extension ImportReport {
    private static let examplesShown = 10

    func printTable() {
        let rows = [("users", users), ("coupons", coupons), ("past uses", uses)].map { name, table in
            [name, "\(table.read)", "\(table.imported)", "\(table.alreadyHere)", "\(table.skipped)"]
        }
        Output.table(["", "READ", "IMPORTED", "ALREADY HERE", "SKIPPED"], rows)
        for finding in findings + remarks {
            Output.text("\n\(finding.kind.text): \(finding.count)")
            for example in finding.examples.prefix(ImportReport.examplesShown) { Output.text("  \(example)") }
            let rest = finding.examples.count - ImportReport.examplesShown
            if rest > 0 { Output.text("  and more; --json lists up to 1000 of them") }
        }
    }
}

extension ImportReport.Kind {
    /// Says what was seen, and how it was treated.
    fileprivate var text: String {
        switch self {
        case .couponOversold: "oversold coupons, of which nothing is left"
        case .usesRepeated: "second uses of a coupon by the same user, of which the first counts"
        case .couponHeldBack: "new coupons that are paused here (`redeem coupon resume ID`, if second uses do no harm)"
        case .couponInvalid: "skipped coupons, to be mended there and imported again"
        case .couponCodeTaken: "skipped coupons, since hidden codes must differ"
        case .couponIDTaken:
            "skipped coupons that are here with another hidden code (changed there, or here by `redeem key replace-code`)"
        case .userInvalid: "skipped users, to be mended there and imported again"
        case .usernameTaken: "skipped users, since usernames must differ"
        case .userRepeated: "skipped users, since ids must differ"
        case .userRenamed: "skipped users, who have another username here"
        case .passwordUnknown: "users who cannot log in, since their password is of a form that cannot be checked"
        case .creditChanged: "users with another credit than they had there when they were taken over, or than can be had here"
        case .useDangling: "skipped uses, whose user or coupon does not exist"
        case .useOfSkipped: "skipped uses, whose user or coupon was skipped"
        case .useTooLate:
            "skipped uses of users who came with an earlier import and may be at work here: they can use the coupon once more"
        case .userNameChanged: "users who were given another name there since; it is not changed here"
        case .passwordChanged: "users who were given another password there since; here they have that of before, or one set here"
        case .userGone: "users of an earlier import who are not there any more; they are still here"
        case .couponNameChanged: "coupons with another name there since; it is not changed here"
        case .priceChanged: "coupons with another value there since; the price here is that of before"
        case .leftChanged: "coupons of which more or less is left there since; what is left here does not follow"
        case .expirationChanged: "coupons with another expiration date there since; the end here is that of before"
        case .stateChanged: "coupons that were made active or not there since (here: `redeem coupon resume` or `pause`)"
        case .couponGone: "coupons of an earlier import that are not there any more; they are still here"
        case .useGone: "past uses of an earlier import that are not there any more; here they still count"
        case .notComparable: "rows that an older version took over: whether they have changed there since is not known"
        case .couponEndless: "for your information: coupons without an expiration date, which never end here"
        case .timeZoneAssumed:
            "for your information: expiration dates without a time zone, and the one they were read in (--time-zone)"
        }
    }
}
