internal import Domain
internal import Terminal

extension Refusal {
    static func noCoupon(_ id: CouponID) -> Refusal {
        Refusal("there is no coupon \(ArgumentSecrets.ofThisProcess.quoted(id.description)); see: redeem coupon list")
    }
}
