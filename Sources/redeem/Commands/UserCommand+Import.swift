internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

extension UserCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Create users from a CSV file: all of them, or none if a line is wrong.",
            discussion: """
                The first line names the columns: username, credit, and password or password_hash or both; optionally name and \
                role. Fields may be quoted as in RFC 4180, but may not contain line breaks.

                  username,password,credit,name
                  jo,correct-horse-battery,100,"Jo, of Redeem"

                A password_hash is a hash that a service has stored: scrypt as a PHC string ($scrypt$ln=17,r=8,p=1$…), or \
                Werkzeug's scrypt:… and pbkdf2:…. Its user logs in with the password that it was made of, and then gets a new \
                hash. A line has one of the two.

                All lines are checked first, also whether their usernames are taken. If there are faults, up to \
                \(UserTable.faultsShown) of them are reported with their lines, and nothing is imported. Then passwords are hashed \
                on all processors, which takes most of the time: 0.3 s for each password, and 128 MiB of memory for each at work \
                (--threads bounds that). --skip-existing leaves users who are here as they are, so a file can be given again after \
                lines were added.

                Exit code 0 if all users are here; 1 if a username is taken; 64 if a line is wrong; 69 if Postgres is out of reach.
                """
        )

        @Argument(help: "The file, or - for standard input.", completion: .file())
        var file: String

        @Flag(help: "Leave out users whose username is taken: they stay as they are.")
        var skipExisting = false

        @Option(
            help: ArgumentHelp("Passwords hashed at once. Default: as many as there are processors.", valueName: "number")
        )
        var threads = ProcessInfo.processInfo.activeProcessorCount

        private static let threadsLimit = 256

        @Flag(help: "Print the counts as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                guard (1...Import.threadsLimit).contains(threads) else {
                    throw UsageError("--threads \(threads) is out of range", remedy: "use 1 to \(Import.threadsLimit)")
                }
                var configuration = try PasswordHasher.Configuration(stores.settings.reader)
                configuration.threads = threads
                let table = UserTable(name: file == "-" ? "standard input" : file, try read())
                let taken = try await stores.postgres.withConnection { try $0.usernames(among: table.rows.map(\.username)) }
                let wrong = table.faults + (skipExisting ? [] : table.taken(taken))
                guard wrong.isEmpty else { throw Import.failure(wrong, onlyTaken: table.faults.isEmpty) }

                let rows = table.rows.filter { !taken.contains($0.username) }
                let users = try await NewUsers.hashed(rows, configuration)
                do {
                    try await stores.postgres.withConnection { try $0.createUsers(users, actor: Actor.commandLine) }
                } catch let error as PostgresError where error.isUniqueViolation {
                    throw Refusal("nothing was imported: a username was taken meanwhile; run it again: \(error.message)")
                }
                let skipped = table.rows.count - rows.count
                guard !json else { return try Output.json(["imported": users.count, "skipped": skipped]) }
                Output.text("imported \(users.count) users" + (skipExisting ? ", skipped \(skipped) that are here already" : ""))
            }
        }

        private static func failure(_ faults: [UserTable.Fault], onlyTaken: Bool) -> any Error {
            let shown = faults.sorted { $0.line < $1.line }.prefix(UserTable.faultsShown).map(\.description)
            let more = faults.count > shown.count ? ["and \(faults.count - shown.count) more"] : []
            let text = (["nothing was imported; what is wrong: \(faults.count)"] + shown + more).joined(separator: "\n  ")
            guard onlyTaken else { return UsageError(text, remedy: "mend these lines, and import the file again") }
            return Refusal("\(text)\n  give --skip-existing to leave out those who are here")
        }

        private func read() throws -> [UInt8] {
            if file == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
            guard let contents = FileManager.default.contents(atPath: file) else {
                throw UsageError("cannot read '\(file)'", remedy: "give the path of a CSV file, or -")
            }
            return Array(contents)
        }
    }
}

/// Turns rows without a fault into users.
enum NewUsers {
    /// Hashes passwords, `configuration.threads` at a time. The users are in the order of the rows.
    static func hashed(_ rows: [UserTable.Row], _ configuration: PasswordHasher.Configuration) async throws -> [NewUser] {
        let hasher = PasswordHasher(configuration: configuration)
        var progress = ProgressBar("hashing passwords", total: rows.count)
        var hashes: [String] = Array(repeating: "", count: rows.count)
        do {
            try await withThrowingTaskGroup(of: (Int, String).self) { group in
                var (begun, done) = (0, 0)
                while done < rows.count {
                    while begun < rows.count, begun - done < configuration.threads {
                        let (index, secret) = (begun, rows[begun].secret)
                        group.addTask {
                            switch secret {
                            case .hash(let hash): (index, hash)
                            case .password(let password): (index, try await hasher.hash(password))
                            }
                        }
                        begun += 1
                    }
                    guard let (index, hash) = try await group.next() else { preconditionFailure("a hash is missing") }
                    hashes[index] = hash
                    done += 1
                    progress.update(done)
                }
            }
        } catch {
            await hasher.close()
            throw error
        }
        await hasher.close()
        progress.finish()
        let now = UInt64(Timestamp.now().milliseconds)
        return zip(rows, hashes).map { row, hash in
            NewUser(
                id: UserID(uuid: UUIDv7(milliseconds: now)),
                username: row.username,
                name: row.name,
                role: row.role,
                passwordHash: hash,
                credit: row.credit
            )
        }
    }
}
