internal import Credentials
internal import Domain

/// The rows of a CSV file of users, and the faults of the others. Each fault names its line. Common parsers fill short rows and
/// skip empty lines, so this one is our own and goes line by line.
struct UserTable {
    /// The most faults of one file that are shown.
    static let faultsShown = 100

    struct Row: Hashable, Sendable {
        enum Secret: Hashable, Sendable {
            case password(String)
            /// A hash that is stored as it is.
            case hash(String)
        }

        let line: Int
        let username: String
        let secret: Secret
        let credit: Int
        let name: String
        let role: Role
    }

    struct Fault: Hashable, CustomStringConvertible {
        let line: Int
        let description: String
    }

    private enum Column: String, CaseIterable {
        case username, password, credit, name, role
        case passwordHash = "password_hash"
    }

    /// The file's name in faults.
    private let name: String
    private(set) var rows: [Row] = []
    private(set) var faults: [Fault] = []
    private var lines: [String: Int] = [:]

    init(name: String, _ bytes: [UInt8]) {
        self.name = name
        read(bytes)
    }

    private mutating func read(_ bytes: [UInt8]) {
        var lines = UTF8Text.withoutByteOrderMark(bytes).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        while lines.last.map({ $0.isEmpty || Array($0) == [UInt8(ascii: "\r")] }) == true { lines.removeLast() }
        guard let first = lines.first else { return add(1, "is empty; the first line names the columns") }
        let header: [Column]
        do {
            header = try UserTable.header(try CSVLine.fields(first))
        } catch {
            return add(1, "\(error)")
        }
        guard lines.count > 1 else { return add(2, "is missing: write a user a line, behind the names of the columns") }
        for (index, line) in lines.enumerated().dropFirst() { read(line, index + 1, header) }
    }

    /// A fault for each row whose username is taken.
    func taken(_ usernames: Set<String>) -> [Fault] {
        rows.filter { usernames.contains($0.username) }.map { fault($0.line, "the username '\($0.username)' is taken") }
    }

    private func fault(_ line: Int, _ words: String) -> Fault {
        Fault(line: line, description: "\(name), line \(line): \(words)")
    }

    private mutating func add(_ line: Int, _ words: String) { faults.append(fault(line, words)) }

    private static func header(_ names: [String]) throws(CSVFault) -> [Column] {
        var header: [Column] = []
        for (index, name) in names.enumerated() {
            guard let column = Column(rawValue: name.lowercased()) else {
                let columns = Column.allCases.map(\.rawValue).joined(separator: ", ")
                throw CSVFault("the name of column \(index + 1) is none of \(columns)")
            }
            guard !header.contains(column) else { throw CSVFault("the column '\(column.rawValue)' is named twice") }
            header.append(column)
        }
        for column in [Column.username, .credit] where !header.contains(column) {
            throw CSVFault("the column '\(column.rawValue)' is missing")
        }
        guard header.contains(.password) || header.contains(.passwordHash) else {
            throw CSVFault("the columns 'password' and 'password_hash' are missing; name one of them")
        }
        return header
    }

    private mutating func read(_ line: ArraySlice<UInt8>, _ number: Int, _ header: [Column]) {
        let fields: [String]
        do {
            fields = try CSVLine.fields(line)
        } catch {
            return add(number, "\(error)")
        }
        guard fields.count == header.count else {
            return add(number, "\(fields.count) fields where the first line has \(header.count)")
        }
        var faults: [String] = []
        let row = UserTable.row(Dictionary(uniqueKeysWithValues: zip(header, fields)), number, &faults)
        for fault in faults { add(number, fault) }
        guard let row else { return }
        if let earlier = lines.updateValue(number, forKey: row.username) {
            return add(number, "the username '\(row.username)' is on line \(earlier) too")
        }
        rows.append(row)
    }

    /// Tells all faults of a row; `nil` if it has one. The fields are not repeated, because in a row that lacks one the password
    /// stands in another's place.
    private static func row(_ fields: [Column: String], _ line: Int, _ faults: inout [String]) -> Row? {
        func filled(_ column: Column) -> String? { fields[column].flatMap { $0.isEmpty ? nil : $0 } }
        func text(_ text: String, _ rule: TextRule, _ column: Column) -> String {
            do { return try rule.read(text) } catch {
                faults.append("the column '\(column.rawValue)' \(error.words): \(error.remedy)")
                return text
            }
        }
        let username = fields[.username] ?? ""
        if !Username.isValid(username) {
            faults.append("the column 'username' has no username: use \(Username.rule)")
        }
        let credit = Int(fields[.credit] ?? "") ?? -1
        if !(0...Limits.amount).contains(credit) {
            faults.append("the column 'credit' has no whole number from 0 to \(Limits.amount)")
        }
        let role = filled(.role).map(Role.init(rawValue:)) ?? .user
        if role == nil { faults.append("the column 'role' is neither user nor admin") }
        let name = filled(.name).map { text($0, .name, .name) } ?? username
        let secret: Row.Secret?
        switch (filled(.password), filled(.passwordHash)) {
        case (let password?, nil): secret = .password(text(password, .password, .password))
        case (nil, let hash?) where PasswordHasher.canCheck(hash): secret = .hash(hash)
        case (nil, _?):
            faults.append(
                "the password_hash is none that a login can check: use scrypt as a PHC string, or Werkzeug's scrypt or pbkdf2"
            )
            secret = nil
        case (nil, nil):
            faults.append("there is no password")
            secret = nil
        case (_?, _?):
            faults.append("there are a password and a password_hash: give one of them")
            secret = nil
        }
        guard faults.isEmpty, let role, let secret else { return nil }
        return Row(line: line, username: username, secret: secret, credit: credit, name: name, role: role)
    }
}
