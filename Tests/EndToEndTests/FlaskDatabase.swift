import Persistence
import PostgresClient
import TestSupport

/// A database with the tables of a Flask service, as SQLAlchemy would have made them.
struct FlaskDatabase: Sendable {
    /// Types of the columns, where one service differs from another.
    struct Types {
        var credit = "integer"
        var value = "integer"
        var expiration = "timestamp"
        /// Of `user_coupon`.
        var primaryKey = ", primary key (user_id, coupon_id)"
    }

    let url: String

    static func with<T: Sendable>(_ types: Types = Types(), _ body: (FlaskDatabase) async throws -> T) async throws -> T {
        try await withDatabase { url in
            let database = FlaskDatabase(url: url)
            try await database.run(
                """
                create table "User" (
                    id serial primary key, username varchar(200), name varchar(500), password varchar(256), credit \(types.credit)
                );
                create table "Coupon" (
                    id serial primary key, name varchar(500), value \(types.value), active boolean, hidden_code varchar(500),
                    number_left integer, expiration_date \(types.expiration)
                );
                create table user_coupon (user_id integer, coupon_id integer\(types.primaryKey))
                """
            )
            return try await body(database)
        }
    }

    /// Three users with passwords of Werkzeug, three coupons, and what the users have used.
    static func withShop<T: Sendable>(_ types: Types = Types(), _ body: (FlaskDatabase) async throws -> T) async throws -> T {
        try await with(types) { database in
            try await database.run(
                """
                insert into "User" (id, username, name, password, credit) values
                    (1, 'ada', 'Ada', '\(WerkzeugHashes.scrypt.stored)', 70),
                    (2, 'ben', null, '\(WerkzeugHashes.unicode.stored)', 0),
                    (3, 'cleo', 'Cleo', '\(WerkzeugHashes.pbkdf2.stored)', 100);
                insert into "Coupon" (id, name, value, active, hidden_code, number_left, expiration_date) values
                    (1, 'Sümmer Gala!', 20, true, 'SUMMER-20', 5, null),
                    (2, 'Winter', 10, true, 'WINTER-10', 1, '2099-01-01'),
                    (3, 'Old', 5, false, 'OLD-5', 9, '2001-01-01');
                insert into user_coupon values (1, 1), (1, 3), (2, 1)
                """
            )
            return try await body(database)
        }
    }

    func run(_ sql: String) async throws { try await EndToEndTests.run(sql, at: url) }
}

/// Runs statements in a database.
func run(_ sql: String, at url: String) async throws {
    try await withPostgresConnection(url) { try $0.script(sql) }
}

/// The first column of the rows, which must be text.
func texts(_ sql: String, at url: String) async throws -> [String] {
    try await withPostgresConnection(url) { connection in
        try connection.query(sql).map { row throws(PostgresError) in try row.decode(0) }
    }
}

private func withPostgresConnection<T: Sendable>(
    _ url: String,
    _ body: @escaping @Sendable (PostgresConnection) throws -> T
) async throws -> T {
    let dedicated = try await DedicatedPostgresConnection.open(PostgresConfiguration(url: url), logger: testLogger())
    do {
        let result = try await dedicated.withConnection(body)
        await dedicated.close()
        return result
    } catch {
        await dedicated.close()
        throw error
    }
}
