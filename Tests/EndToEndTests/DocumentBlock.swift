import Foundation

/// A fenced block of a document for operators and newcomers.
struct DocumentBlock: Hashable, CustomStringConvertible {
    let file: String
    let line: Int
    let text: String

    /// What it is found by.
    var first: String { String(text.prefix { $0 != "\n" }) }
    var description: String { "\(file):\(line): \(first)" }

    static func all() throws -> [DocumentBlock] {
        try ["README.md", "docs/OPERATIONS.md", "docs/SECURITY.md"].flatMap { file in
            let lines = try String(contentsOf: Repository.file(file), encoding: .utf8).components(separatedBy: "\n")
            let fences = lines.indices.filter { lines[$0].hasPrefix("```") }
            return stride(from: 0, to: fences.count - 1, by: 2).map { index in
                let (start, end) = (fences[index], fences[index + 1])
                return DocumentBlock(file: file, line: start + 1, text: lines[(start + 1)..<end].joined(separator: "\n") + "\n")
            }
        }
    }

    /// With values in the places of those that a reader fills in.
    var filled: String {
        text.replacing("PASSWORD", with: "a-password").replacing("HOST", with: "127.0.0.1")
            .replacing("host1,host2,host3", with: "127.0.0.1,127.0.0.2,127.0.0.3")
    }

    enum Treatment {
        /// A Redis starts with it, and has what it says.
        case redis
        /// A Sentinel starts with it.
        case sentinel
        /// Lines of a settings file.
        case settings
        /// On a Redis and a Postgres with nothing in them.
        case installation
        /// On a `redeem dev`.
        case story
        case notRun(because: String)
    }

    /// By file and first line. One that is not here fails the tests, and so does one that is in no document.
    static let treatments: [String: Treatment] = [
        "README.md make run     # installs what is missing, builds, and runs all of it with demo data; Ctrl-C stops it":
            .notRun(
                because: "it installs and builds; .ci/run does the same by `make test`, and DemoStoryTests runs `redeem dev`"
            ),
        "README.md URL=http://127.0.0.1:8080": .story,
        "docs/OPERATIONS.md appendonly yes": .redis,
        "docs/OPERATIONS.md user replica on >PASSWORD +psync +replconf +ping": .redis,
        "docs/OPERATIONS.md REDEEM_REDIS_URL=sentinel://user:PASSWORD@host1,host2,host3/redeem": .settings,
        "docs/OPERATIONS.md REDEEM_REDIS_URL=cluster://user:PASSWORD@host1,host2,host3": .settings,
        "docs/OPERATIONS.md cluster-require-full-coverage no": .redis,
        "docs/OPERATIONS.md aof-load-truncated no": .redis,
        "docs/OPERATIONS.md sentinel monitor redeem HOST 6379 2": .sentinel,
        "docs/OPERATIONS.md set -eu": .installation,
        #"docs/OPERATIONS.md pg_dump --format custom --file redeem.dump "$REDEEM_POSTGRES_URL""#:
            .notRun(because: "BackupTests runs it, and all steps of the restoration"),
        #"docs/OPERATIONS.md psql -q -v ON_ERROR_STOP=1 -c 'alter database redeem rename to redeem_before' "$SUPERUSER""#:
            .notRun(because: "BackupTests runs it, with dumps of this version and of an earlier one"),
        #"docs/OPERATIONS.md printf 'ACL SETUSER admin on >%s ~* &* +@all\n' "$ADMIN_PASSWORD" | redis-cli -h redis"#:
            .notRun(because: "HardenedRedisTests runs it, at another address"),
        "docs/OPERATIONS.md redeem doctor --print-postgres-roles | psql postgres://owner@postgres/redeem":
            .notRun(because: "it asks for passwords on a terminal; the installation does the same, and LeastRightsTests"),
        "docs/OPERATIONS.md apt install ./redeem_*.deb":
            .notRun(because: "it changes the machine; scripts/try-deb installs the package in a Debian of its own"),
        "docs/OPERATIONS.md useradd --system --home-dir / --shell /usr/sbin/nologin redeem":
            .notRun(because: "it changes the machine; .ci/run checks the units with systemd-analyze"),
        "docs/OPERATIONS.md redeem key replace-code                        # changes nothing: tells which coupons need a code":
            .notRun(because: "ServiceKeyTests runs it with servers"),
        "docs/OPERATIONS.md redeem user load                     # as often as you like, also beside a sale; --rate N users a second (5000)":
            .notRun(because: "UserLoadTests runs it with a worker"),
        "docs/OPERATIONS.md export REDEEM_IMPORT_FROM=postgres://flask:PASSWORD@old-host/flask":
            .notRun(because: "there is no such host; FlaskImportTests run the commands"),
    ]

    var treatment: Treatment? { DocumentBlock.treatments["\(file) \(first)"] }
}
