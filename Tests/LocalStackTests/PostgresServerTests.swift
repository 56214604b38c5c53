import FoundationEssentials
import Glibc
import LocalStack
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct PostgresServerTests {
    @Test("answers on its port and on its socket, and only who has the password")
    func answers() async throws {
        let postgres = try await TestStack.shared.postgres()
        #expect(try await postgres.psql("SELECT current_user, current_database()") == "redeem|redeem")
        let socket = "host=\(postgres.socketFolder) port=\(postgres.port) user=redeem dbname=redeem"
        let query = ["-X", "-A", "-t", "-w", "-d", socket, "-c", "SELECT 1"]
        #expect(try await output(of: "psql", query, environment: ["PGPASSWORD": postgres.password]) == "1")
        #expect(try await output(of: "psql", query).contains("password"))
        #expect(try await postgres.psql("SHOW password_encryption") == "scram-sha-256")
    }

    @Test("keeps its password from ps, and runs neither as root nor in our process group")
    func isPrivate() async throws {
        let postgres = try await TestStack.shared.postgres()
        let pid = try #require(postgres.pid)
        #expect(try await !output(of: "sh", ["-c", "cat /proc/[0-9]*/cmdline"]).contains(postgres.password))
        #expect(getsid(pid) == pid)
        #expect(try await output(of: "stat", ["-c", "%u", "/proc/\(pid)"]) != "0")
        #expect(try await output(of: "stat", ["-c", "%a", postgres.directory]) == "700")
    }

    @Test("copies a template, and drops a database that is in use")
    func databases() async throws {
        let postgres = try await TestStack.shared.postgres()
        try await postgres.createDatabase("odd \" name")
        #expect(try await postgres.psql("CREATE TABLE t AS SELECT 7 AS n", database: "odd%20%22%20name") == "SELECT 1")
        try await postgres.createDatabase("copy", template: "odd \" name")
        #expect(try await postgres.psql("SELECT n FROM t", database: "copy") == "7")
        try await postgres.dropDatabase("copy")
        try await postgres.dropDatabase("odd \" name")
        let error = await #expect(throws: LocalStackError.self) {
            try await postgres.createDatabase("copy", template: "absent")
        }
        #expect(error?.code == .commandFailed)
        #expect(error?.description.contains("absent") == true)
    }

    @Test("gives each test a database of its own")
    func ownDatabase() async throws {
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        for _ in 0..<2 {
            try await withDatabase { url in
                #expect(try await output(of: "psql", ["-XAt", "-d", url, "-c", tables]) == "0")
                _ = try await output(of: "psql", ["-XAt", "-d", url, "-c", "CREATE TABLE t (n int)"])
            }
        }
    }

    @Test("keeps port and all that was committed when it is killed, suspended and started again")
    func restart() async throws {
        try await withPostgres { postgres in
            let (first, port) = (try #require(postgres.pid), postgres.port)
            #expect(try await postgres.psql("CREATE TABLE t AS SELECT 7 AS n") == "SELECT 1")
            await postgres.kill()
            #expect(postgres.pid == nil)
            #expect(try await !isRunning(first))
            #expect(FileManager.default.fileExists(atPath: "\(postgres.directory)/data/postmaster.pid"), "a stale one")
            try await postgres.restart()
            #expect(try await postgres.psql("SELECT n FROM t") == "7")

            postgres.suspend()
            #expect(try await output(of: "timeout", ["0.5", "psql", "-XAt", "-d", postgres.url, "-c", "SELECT 1"]) == "")
            postgres.resume()
            #expect(try await postgres.psql("SELECT n FROM t") == "7")

            postgres.suspend()
            await postgres.kill()
            try await postgres.restart()
            #expect(try await postgres.psql("SELECT n FROM t") == "7")

            postgres.suspend()
            await postgres.stop()
            #expect(!FileManager.default.fileExists(atPath: "\(postgres.directory)/data/postmaster.pid"))
            try await postgres.restart()
            #expect(try await postgres.psql("SELECT n FROM t") == "7")
            #expect(postgres.port == port)
        }
    }

    @Test("names the version that its data needs")
    func otherVersion() async throws {
        try await withTemporaryFolder { folder in
            let data = "\(folder)/postgres/data"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try "9\n".write(toFile: "\(data)/PG_VERSION", atomically: true, encoding: .utf8)
            let error = await #expect(throws: LocalStackError.self) {
                try await PostgresServer.start(in: "\(folder)/postgres", logger: testLogger())
            }
            #expect(error?.code == .folderUnusable)
            #expect(error?.message.contains("postgresql-9") == true)
        }
    }
}
