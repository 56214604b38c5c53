public import PostgresClient

/// A row of a Flask service's users. Columns are read as text: their types are the choice of that service's author, and a bad value in one
/// row must not keep the other rows away. `nil` is NULL.
public struct FlaskUser: Sendable, Hashable {
    public let id: String?
    public let username: String?
    public let name: String?
    public let password: String?
    public let credit: String?

    public init(id: String?, username: String?, name: String?, password: String?, credit: String?) {
        self.id = id
        self.username = username
        self.name = name
        self.password = password
        self.credit = credit
    }
}

public struct FlaskCoupon: Sendable, Hashable {
    public let id: String?
    public let name: String?
    public let value: String?
    public let active: String?
    public let hiddenCode: String?
    public let numberLeft: String?
    /// The first moment at which it cannot be used any more, in milliseconds of Unix time.
    public let ends: Int?
    /// True if there is no `expiration_date`. `ends` is `nil` also where the date is after the year 9999.
    public let isEndless: Bool

    public init(
        id: String?,
        name: String?,
        value: String?,
        active: String?,
        hiddenCode: String?,
        numberLeft: String?,
        ends: Int?,
        isEndless: Bool = false
    ) {
        self.id = id
        self.name = name
        self.value = value
        self.active = active
        self.hiddenCode = hiddenCode
        self.numberLeft = numberLeft
        self.ends = ends
        self.isEndless = isEndless
    }
}

/// A use of a coupon by a user.
public struct FlaskUse: Sendable, Hashable {
    public let user: String?
    public let coupon: String?

    public init(user: String?, coupon: String?) {
        self.user = user
        self.coupon = coupon
    }
}

/// The reason why the tables of a Flask service could not be read.
public enum FlaskSourceError: Error, Sendable, CustomStringConvertible {
    case invalidURL
    case outOfReach(PostgresError)
    case unreadable(PostgresError)
    case tableMissing(String, database: String)
    case columnMissing(String, table: String)
    case columnType(String, of: String, expected: String)
    case timeZoneUnknown(String)

    init(_ error: PostgresError) {
        let isOut = error.code == .connectionFailed || error.code == .connectionLost
        self = isOut ? .outOfReach(error) : .unreadable(error)
    }

    public var description: String {
        switch self {
        case .invalidURL: "not a Postgres URL"
        case .outOfReach(let error), .unreadable(let error): "\(error)"
        case .tableMissing(let table, let database): "there is no table \(table) in \(database)"
        case .columnMissing(let column, let table): "the table \(table) has no column '\(column)'"
        case .timeZoneUnknown(let name): "it knows no time zone '\(name.prefix(80))'"
        case .columnType(let column, let type, let expected): "the column \(column) is of the type \(type), not \(expected)"
        }
    }
}
