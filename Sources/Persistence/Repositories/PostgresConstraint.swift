import PostgresClient

/// The constraints that callers tell apart, by the names that the migrations give them.
public enum PostgresConstraint {
    public static let userID = "users_pkey"
    public static let username = "users_username_key"
    public static let couponID = "coupons_pkey"
    public static let couponCode = "coupons_code_digest_key"
    /// A price is 0 … 2^53 − 1.
    public static let couponPrice = "coupons_price_range"
    /// A total is 0 … 2^53 − 1.
    public static let couponTotal = "coupons_total_range"
    /// `0 ≤ redeemed ≤ total`.
    public static let couponRedeemed = "coupons_redeemed_range"
    /// A coupon ends after it starts.
    public static let couponWindow = "coupons_window"
    /// One grant: 1 … 2^53 − 1.
    public static let grantAmount = "credit_grants_amount_range"
    /// One restock: 1 … 2^53 − 1.
    public static let restockAmount = "coupons_restock_range"
    /// A user's balance: at most 2^53 − 1. Checked by `grantCredit`, not by a constraint: a balance is no column.
    public static let balance = "balances_range"
}

extension PostgresError {
    /// A check violation that the program finds itself.
    static func outOfRange(_ message: String, _ constraint: String) -> PostgresError {
        PostgresError(.serverError, message, sqlState: "23514", constraint: constraint)
    }
}
