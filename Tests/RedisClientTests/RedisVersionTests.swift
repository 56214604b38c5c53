import RedisClient
import Testing

@Suite struct RedisVersionTests {
    /// As Redis 7.0.15 and Valkey 8.1.8 and 9.1.2 tell it.
    @Test(arguments: [
        ("# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\n", RedisVersion.Program.redis, 7, "Redis 7.0.15"),
        ("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.8\r\n", .valkey, 8, "Valkey 8.1.8"),
        ("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n", .valkey, 9, "Valkey 9.1.2"),
        ("# Server\r\n", .redis, 0, "Redis of an unknown version"),
    ])
    func aServerTellsItsVersion(_ info: String, _ program: RedisVersion.Program, _ major: Int, _ text: String) {
        let version = RedisVersion(.string(info))
        #expect(version.program == program && version.major == major && "\(version)" == text)
    }
}
