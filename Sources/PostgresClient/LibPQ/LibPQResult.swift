import CLibPQ

/// A `PGresult`, which is freed with this object.
final class LibPQResult {
    private let handle: OpaquePointer

    init(taking handle: OpaquePointer) {
        self.handle = handle
    }

    deinit { PQclear(handle) }

    var status: ExecStatusType { PQresultStatus(handle) }
    var rowCount: Int { Int(PQntuples(handle)) }
    var columnCount: Int { Int(PQnfields(handle)) }

    /// The command tag, `COPY 5` or `COMMIT`.
    var commandTag: String { String(cString: PQcmdStatus(handle)) }
    /// Rows that an INSERT, UPDATE, DELETE or COPY changed, or that a SELECT returned.
    var affectedRows: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    func type(ofColumn column: Int) -> PostgresType { PostgresType(rawValue: PQftype(handle, Int32(column))) }
    func name(ofColumn column: Int) -> String { PQfname(handle, Int32(column)).map { String(cString: $0) } ?? "?" }

    /// The bytes of one value, valid within `body` only; `nil` for NULL.
    func withValue<T>(row: Int, column: Int, _ body: (UnsafeRawBufferPointer?) -> T) -> T {
        guard PQgetisnull(handle, Int32(row), Int32(column)) == 0 else { return body(nil) }
        let length = Int(PQgetlength(handle, Int32(row), Int32(column)))
        return withExtendedLifetime(self) {
            body(UnsafeRawBufferPointer(start: PQgetvalue(handle, Int32(row), Int32(column)), count: length))
        }
    }

    var isError: Bool {
        switch status {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: true
        default: false
        }
    }

    /// The server closes the connection after an error of severity FATAL or PANIC.
    var endsConnection: Bool {
        switch field(LibPQField.severity) {
        case "FATAL", "PANIC": true
        default: false
        }
    }

    func error(_ code: PostgresError.Code, outcomeIsUnknown: Bool) -> PostgresError {
        PostgresError(
            code,
            field(LibPQField.message) ?? String(cString: PQresultErrorMessage(handle)).oneLine,
            sqlState: field(LibPQField.sqlState),
            detail: field(LibPQField.detail),
            hint: field(LibPQField.hint),
            constraint: field(LibPQField.constraint),
            outcomeIsUnknown: outcomeIsUnknown
        )
    }

    private func field(_ code: Int32) -> String? { PQresultErrorField(handle, code).map { String(cString: $0) } }
}

/// `PG_DIAG_…` of postgres_ext.h: character constants, which Swift does not import.
enum LibPQField {
    static let severity = Int32(UInt8(ascii: "V"))
    static let sqlState = Int32(UInt8(ascii: "C"))
    static let message = Int32(UInt8(ascii: "M"))
    static let detail = Int32(UInt8(ascii: "D"))
    static let hint = Int32(UInt8(ascii: "H"))
    static let constraint = Int32(UInt8(ascii: "n"))
}

extension String {
    /// A message of libpq in one line: libpq ends messages with line feeds, and has line feeds and tabs inside of them.
    var oneLine: String {
        let lines = split(whereSeparator: \.isNewline).map { $0.drop { $0.isWhitespace } }
        return lines.filter { !$0.isEmpty }.joined(separator: " ")
    }
}
