internal import ArgumentParser
internal import Domain
internal import Foundation
internal import Persistence
internal import Server

extension UserCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Create users from a CSV file: all of them, or none when a line is wrong.",
            discussion: """
                The first line names the columns: username, password and credit, and optionally name and role. Fields may be \
                quoted as in RFC 4180, but may not contain line breaks.

                  username,password,credit,name
                  jo,correct-horse-battery,100,"Jo, of Redeem"
                """
        )

        @Argument(help: "The file, or - for standard input.")
        var file: String

        @Flag(help: "Print the count as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let rows = try UserTable.parse(try read())
                let hasher = PasswordHasher(configuration: try PasswordHasher.Configuration(stores.settings.reader))
                var progress = ProgressBar("hashing passwords", total: rows.count)
                var users: [NewUser] = []
                for row in rows {
                    users.append(
                        NewUser(
                            id: UserID(uuid: UUIDv7(milliseconds: UInt64(Timestamp.now().milliseconds))),
                            username: row.username,
                            name: row.name,
                            role: row.role,
                            passwordHash: try await hasher.hash(row.password),
                            credit: row.credit
                        )
                    )
                    progress.update(users.count)
                }
                progress.finish()
                let created = users
                do {
                    try await stores.postgres.withConnection { try $0.createUsers(created, actor: Actor.commandLine) }
                } catch let error as PostgresError where error.isUniqueViolation {
                    throw Refusal("nothing was imported: a username is taken already: \(error.detail ?? error.message)")
                }
                if json { try Output.json(["imported": users.count]) } else { print("imported \(users.count) users") }
            }
        }

        private func read() throws -> String {
            let data: Data
            if file == "-" {
                data = FileHandle.standardInput.readDataToEndOfFile()
            } else {
                guard let contents = FileManager.default.contents(atPath: file) else {
                    throw UsageError("cannot read '\(file)'", remedy: "give the path of a CSV file, or -")
                }
                data = contents
            }
            guard let text = String(data: data, encoding: .utf8) else {
                throw UsageError("'\(file)' is not UTF-8", remedy: "save it as UTF-8")
            }
            return text
        }
    }
}

/// The rows of a CSV file of users. Every error names its line, which is why the parser is line by line and our own: the
/// common ones fill short rows and skip empty lines.
enum UserTable {
    struct Row: Hashable {
        let username: String
        let password: String
        let credit: Int
        let name: String
        let role: Role
    }

    static func parse(_ text: String) throws -> [Row] {
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        if lines.first?.first == "\u{FEFF}" { lines[0] = lines[0].dropFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.first else { throw UsageError("the file is empty", remedy: "its first line names the columns") }
        let header = try fields(first, line: 1).map { $0.lowercased() }
        let known: Set = ["username", "password", "credit", "name", "role"]
        for column in header where !known.contains(column) {
            throw failure(1, "'\(column)' is not a column", "use username, password, credit, name, role")
        }
        for column in ["username", "password", "credit"] where !header.contains(column) {
            throw failure(1, "the column '\(column)' is missing", "use username, password, credit, and optionally name and role")
        }
        guard Set(header).count == header.count else { throw failure(1, "a column is named twice", "name each once") }

        var rows: [Row] = []
        var seen: [String: Int] = [:]
        for (index, line) in lines.enumerated().dropFirst() {
            let number = index + 1
            let values = try fields(line, line: number)
            guard values.count == header.count else {
                throw failure(
                    number,
                    "\(values.count) fields where the first line has \(header.count)",
                    "write one field a column"
                )
            }
            let row = try row(Dictionary(uniqueKeysWithValues: zip(header, values)), line: number)
            if let earlier = seen.updateValue(number, forKey: row.username) {
                throw failure(number, "the username '\(row.username)' is on line \(earlier) too", "remove one of them")
            }
            rows.append(row)
        }
        guard !rows.isEmpty else { throw UsageError("the file has no users", remedy: "write one a line, after the first") }
        return rows
    }

    private static func row(_ values: [String: String], line: Int) throws -> Row {
        do {
            let username = try Input.username(values["username"] ?? "")
            let text = values["credit"] ?? ""
            guard let credit = Int(text) else {
                throw UsageError("the credit '\(text.prefix(40))' is not a whole number", remedy: "use 0 to \(Limits.amount)")
            }
            let name = values["name"].flatMap { $0.isEmpty ? nil : $0 } ?? username
            let role = values["role"].flatMap { $0.isEmpty ? nil : $0 } ?? Role.user.rawValue
            return Row(
                username: username,
                password: try Input.password(values["password"]),
                credit: try Input.amount(credit, "the credit"),
                name: try Input.name(name),
                role: try Input.role(role)
            )
        } catch let error as UsageError {
            throw failure(line, error.problem, error.remedy)
        }
    }

    private static func failure(_ line: Int, _ problem: String, _ remedy: String) -> UsageError {
        UsageError("line \(line): \(problem); nothing was imported", remedy: remedy)
    }

    /// The fields of one line, by RFC 4180.
    private static func fields(_ line: Substring, line number: Int) throws -> [String] {
        var fields: [String] = []
        var rest = line
        while true {
            var field = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while true {
                    guard let quote = rest.firstIndex(of: "\"") else {
                        throw failure(number, "a quote is not closed", "close it on the same line")
                    }
                    field += rest[..<quote]
                    rest = rest[rest.index(after: quote)...]
                    guard rest.first == "\"" else { break }
                    field += "\""
                    rest.removeFirst()
                }
                guard rest.isEmpty || rest.first == "," else {
                    throw failure(number, "text follows a closing quote", "quote the whole field, and double quotes inside it")
                }
            } else {
                let end = rest.firstIndex(of: ",") ?? rest.endIndex
                field = String(rest[..<end])
                guard !field.contains("\"") else {
                    throw failure(
                        number,
                        "a quote inside an unquoted field",
                        "quote the whole field, and double quotes inside it"
                    )
                }
                rest = rest[end...]
            }
            fields.append(field)
            guard rest.first == "," else { return fields }
            rest.removeFirst()
        }
    }
}
