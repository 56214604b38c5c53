/// Tells what an import did with the rows that it read.
public struct ImportReport: Sendable, Hashable, Encodable {
    /// Counts the rows of one table. Each row that was read is in exactly one of the other three numbers.
    public struct Table: Sendable, Hashable, Encodable {
        public var read = 0
        public var imported = 0
        /// Rows that an earlier run imported. They are left as they are.
        public var alreadyHere = 0
        public var skipped = 0

        enum CodingKeys: String, CodingKey {
            case read
            case imported
            case alreadyHere = "already_here"
            case skipped
        }
    }

    /// Rows that were not imported, or not as they are, for one reason.
    public struct Finding: Sendable, Hashable, Encodable {
        public let kind: Kind
        public fileprivate(set) var count = 0
        /// The first `examplesKept` of them, in words.
        public fileprivate(set) var examples: [String] = []
    }

    /// The reasons, in the order in which the report has them.
    public enum Kind: String, Sendable, Hashable, Encodable, CaseIterable {
        case couponOversold = "coupon_oversold"
        case usesRepeated = "uses_repeated"
        case couponHeldBack = "coupon_held_back"
        case couponInvalid = "coupon_invalid"
        case couponCodeTaken = "coupon_code_taken"
        case couponIDTaken = "coupon_id_taken"
        case userInvalid = "user_invalid"
        case usernameTaken = "username_taken"
        case userRepeated = "user_repeated"
        case userRenamed = "user_renamed"
        case passwordUnknown = "password_unknown"
        case creditChanged = "credit_changed"
        case useDangling = "use_dangling"
        case useOfSkipped = "use_of_skipped"
        case useTooLate = "use_too_late"
        // Data that is not there any more as it was when it was imported.
        case userNameChanged = "user_name_changed"
        case passwordChanged = "password_changed"
        case userGone = "user_gone"
        case couponNameChanged = "coupon_name_changed"
        case priceChanged = "price_changed"
        case leftChanged = "left_changed"
        case expirationChanged = "expiration_changed"
        case stateChanged = "state_changed"
        case couponGone = "coupon_gone"
        case useGone = "use_gone"
        case notComparable = "not_comparable"
        // Remarks.
        case couponEndless = "coupon_endless"
        case timeZoneAssumed = "time_zone_assumed"

        /// True if the rows are imported as they are, and the report only says how they were understood.
        public var isRemark: Bool { self == .couponEndless || self == .timeZoneAssumed }
    }

    static let examplesKept = 1_000

    public var users = Table()
    public var coupons = Table()
    public var uses = Table()
    public private(set) var findings: [Finding] = []
    /// Rows that were imported as they are, and how they were understood.
    public private(set) var remarks: [Finding] = []

    /// True if each row that was read is here now as it is there, and what earlier runs imported has not changed there.
    public var isClean: Bool { findings.isEmpty }

    public init() {}

    /// - Parameter count: how many rows the example stands for.
    public mutating func note(_ kind: Kind, count: Int = 1, _ example: @autoclosure () -> String) {
        update(kind) { finding in
            finding.count += count
            if finding.examples.count < ImportReport.examplesKept { finding.examples.append(example()) }
        }
    }

    /// - Parameter examples: of the `count` rows, the first `examplesKept`.
    mutating func note(_ kind: Kind, count: Int, examples: [String]) {
        guard count > 0 else { return }
        update(kind) { finding in
            finding.count += count
            finding.examples += examples.prefix(ImportReport.examplesKept - finding.examples.count)
        }
    }

    private mutating func update(_ kind: Kind, _ change: (inout Finding) -> Void) {
        if kind.isRemark { ImportReport.update(&remarks, kind, change) } else { ImportReport.update(&findings, kind, change) }
    }

    private static func update(_ findings: inout [Finding], _ kind: Kind, _ change: (inout Finding) -> Void) {
        if let index = findings.firstIndex(where: { $0.kind == kind }) {
            change(&findings[index])
        } else {
            var finding = Finding(kind: kind)
            change(&finding)
            findings.append(finding)
            let order = Kind.allCases
            findings.sort { order.firstIndex(of: $0.kind)! < order.firstIndex(of: $1.kind)! }
        }
    }
}
