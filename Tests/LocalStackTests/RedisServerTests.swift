import FoundationEssentials
import Glibc
import LocalStack
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RedisServerTests {
    @Test("answers on its port and on its socket, and only who has the password")
    func answers() async throws {
        try await withRedis { redis async throws in
            #expect(try await redis.cli("PING") == "PONG")
            #expect(
                try await output(of: "redis-cli", ["-s", redis.socket, "-a", redis.password, "--no-auth-warning", "PING"])
                    == "PONG"
            )
            #expect(try await output(of: "redis-cli", ["-p", "\(redis.port)", "PING"]).hasPrefix("NOAUTH"))
            #expect(try await redis.cli("CONFIG", "GET", "appendfsync") == "appendfsync\nalways")
            #expect(try await redis.cli("CONFIG", "GET", "maxmemory-policy") == "maxmemory-policy\nnoeviction")
            #expect(!(32768...60999).contains(redis.port), "the port must not be one that a client can be given")
        }
    }

    @Test("keeps its password from other users and from ps, and runs neither as root nor in our process group")
    func isPrivate() async throws {
        try await withRedis { redis in
            let pid = try #require(redis.pid)
            for file in try FileManager.default.contentsOfDirectory(atPath: redis.directory) {
                var status = stat()
                #expect(stat("\(redis.directory)/\(file)", &status) == 0)
                #expect(status.st_mode & 0o077 == 0 || status.st_mode & S_IFMT == S_IFREG && file != "redis.conf", "\(file)")
            }
            #expect(try await !output(of: "sh", ["-c", "cat /proc/[0-9]*/cmdline"]).contains(redis.password))
            #expect(getsid(pid) == pid)
            let user = try await output(of: "stat", ["-c", "%u", "/proc/\(pid)"])
            #expect(user != "0")
            #expect(geteuid() == 0 || user == "\(geteuid())")
        }
    }

    @Test("keeps port, password and what was acknowledged when it is killed and started again")
    func restart() async throws {
        try await withRedis { redis in
            let first = try #require(redis.pid)
            #expect(try await redis.cli("SET", "key", "value") == "OK")
            await redis.kill()
            #expect(redis.pid == nil)
            #expect(try await !isRunning(first))
            #expect(try await redis.cli("PING").contains("refused"))
            try await redis.restart()
            #expect(redis.pid != first)
            #expect(try await redis.cli("GET", "key") == "value")
        }
    }

    @Test("forgets everything when it has no append-only file")
    func forgets() async throws {
        var options = RedisOptions()
        options.appendOnly = false
        try await withRedis(options) { redis in
            #expect(try await redis.cli("SET", "key", "value") == "OK")
            try await redis.restart()
            #expect(try await redis.cli("GET", "key") == "")
        }
    }

    @Test("starts again with other options")
    func otherOptions() async throws {
        try await withRedis { redis in
            var options = RedisOptions()
            options.appendFsync = .everysec
            options.maxMemory = 64 << 20
            options.extra = ["maxclients 77"]
            try await redis.restart(options: options)
            #expect(try await redis.cli("CONFIG", "GET", "appendfsync") == "appendfsync\neverysec")
            #expect(try await redis.cli("CONFIG", "GET", "maxmemory") == "maxmemory\n67108864")
            #expect(try await redis.cli("CONFIG", "GET", "maxclients") == "maxclients\n77")
        }
    }

    @Test("answers nothing while it is suspended, and can be stopped all the same")
    func suspend() async throws {
        try await withRedis { redis async throws in
            redis.suspend()
            let arguments = ["0.5", "redis-cli", "--no-auth-warning", "-u", redis.url, "PING"]
            #expect(try await output(of: "timeout", arguments) == "")
            redis.resume()
            #expect(try await redis.cli("PING") == "PONG")
            redis.suspend()
            await redis.stop()
            #expect(redis.pid == nil)
        }
    }

    @Test("has one process at a time on its data")
    func oneOwner() async throws {
        try await withRedis { redis in
            let error = await #expect(throws: LocalStackError.self) {
                try await RedisServer.start(in: redis.directory, logger: testLogger())
            }
            #expect(error?.code == .folderInUse)
            #expect(error?.message.contains("process \(getpid())") == true)
        }
    }

    @Test("keeps port and data from one owner to the next")
    func nextOwner() async throws {
        try await withTemporaryFolder { folder in
            let port = try await withOwner(of: folder) { redis async throws in
                #expect(try await redis.cli("SET", "key", "value") == "OK")
                return redis.port
            }
            try await withOwner(of: folder) { redis async throws in
                #expect(redis.port == port)
                #expect(try await redis.cli("GET", "key") == "value")
            }
        }
    }

    @Test("takes another port when its own was taken meanwhile")
    func portTaken() async throws {
        try await withRedis { other in
            try await withTemporaryFolder { folder in
                let directory = "\(folder)/redis"
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                try "\(other.port)\n".write(toFile: "\(directory)/port", atomically: true, encoding: .utf8)
                let redis = try await RedisServer.start(in: directory, logger: testLogger())
                #expect(redis.port != other.port)
                #expect(try await redis.cli("PING") == "PONG")
                await redis.stop()
            }
        }
    }

    @Test("puts its socket elsewhere when the path would be too long")
    func longPath() async throws {
        try await withTemporaryFolder { folder in
            let long = "\(folder)/\(String(repeating: "long", count: 25))/redis"
            let redis = try await RedisServer.start(in: long, logger: testLogger())
            #expect(redis.socket.utf8.count <= 107)
            #expect(
                try await output(of: "redis-cli", ["-s", redis.socket, "-a", redis.password, "--no-auth-warning", "PING"])
                    == "PONG"
            )
            await redis.stop()
            #expect(!FileManager.default.fileExists(atPath: redis.socket))
        }
    }

    @Test("says why when it cannot start")
    func cannotStart() async throws {
        var options = RedisOptions()
        options.extra = ["no-such-setting 1"]
        let error = await #expect(throws: LocalStackError.self) { try await withRedis(options) { _ in } }
        #expect(error?.code == .startFailed)
        #expect(error?.description.contains("no-such-setting") == true)
    }

    @Test("leaves the data of another user alone", .enabled(if: geteuid() == 0))
    func otherUser() async throws {
        try await withTemporaryFolder { folder async throws in
            let directory = "\(folder)/redis"
            #expect(mkdir(directory, 0o755) == 0 && chown(directory, 12345, 12345) == 0)
            let error = await #expect(throws: LocalStackError.self) {
                try await RedisServer.start(in: directory, logger: testLogger())
            }
            #expect(error?.code == .folderUnusable)
            #expect(error?.message.contains("user 12345") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
        }
    }

    private func withOwner<T>(of folder: String, _ body: (RedisServer) async throws -> T) async throws -> T {
        let redis = try await RedisServer.start(in: "\(folder)/redis", logger: testLogger())
        let result = try await body(redis)
        await redis.stop()
        return result
    }
}
