public import Domain
public import PostgresClient

extension CouponID: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .textArray }
}

extension UserID: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .uuidArray }
}

extension RedemptionID: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { .uuidArray }
}
