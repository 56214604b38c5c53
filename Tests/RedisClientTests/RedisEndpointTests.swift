import Testing

@testable import RedisClient

@Suite struct RedisEndpointTests {
    @Test func readsNetworkURLs() throws {
        let short = try RedisEndpoint(url: "redis://localhost")
        #expect(short.address == .tcp(host: "localhost", port: 6379))
        #expect(short.user == nil && short.password == nil && short.database == 0 && !short.isTLS)

        let full = try RedisEndpoint(url: "rediss://al%40ice:p%3Aa%2Fs%40s@[::1]:7000/15")
        #expect(full.address == .tcp(host: "::1", port: 7000))
        #expect(full.user == "al@ice" && full.password?.text == "p:a/s@s" && full.database == 15 && full.isTLS)

        let password = try RedisEndpoint(url: "redis://:secret@10.0.0.1/")
        #expect(password.user == nil && password.password?.text == "secret" && password.database == 0)
        // Only the last '@' ends the login, only the first ':' ends the user.
        #expect(try RedisEndpoint(url: "redis://u:a@b:c@host").password?.text == "a@b:c")
    }

    @Test func readsSocketURLs() throws {
        let short = try RedisEndpoint(url: "unix:///run/redis.sock")
        #expect(short.address == .unix(path: "/run/redis.sock"))
        let full = try RedisEndpoint(url: "unix:///run/my%20redis.sock?db=3&user=alice&password=s%26t")
        #expect(full.address == .unix(path: "/run/my redis.sock"))
        #expect(full.user == "alice" && full.password?.text == "s&t" && full.database == 3)
    }

    @Test func readsSentinelURLs() throws {
        let short = try RedisEndpoint(url: "sentinel://one,two:7000,[::1]/redeem")
        let nodes = [("one", 26379), ("two", 7000), ("::1", 26379)].map { RedisEndpoint.Node(host: $0.0, port: $0.1) }
        #expect(short.address == .sentinels(nodes, primary: "redeem"))
        #expect(short.user == nil && short.password == nil && short.database == 0 && !short.isTLS)

        let full = try RedisEndpoint(url: "sentinels://al:s%2F@one/my%20sale/3?sentinel_user=bo&sentinel_password=p%26q")
        #expect(full.address == .sentinels([RedisEndpoint.Node(host: "one", port: 26379)], primary: "my sale"))
        #expect(full.user == "al" && full.password?.text == "s/" && full.database == 3 && full.isTLS)
        #expect(full.sentinelUser == "bo" && full.sentinelPassword?.text == "p&q")
        let sentinel = full.guide(RedisEndpoint.Node(host: "one", port: 26379))
        #expect(sentinel.user == "bo" && sentinel.password?.text == "p&q" && sentinel.database == 0 && sentinel.isTLS)
    }

    @Test func readsClusterURLs() throws {
        let short = try RedisEndpoint(url: "cluster://one,two:7000,[::1]")
        let nodes = [("one", 6379), ("two", 7000), ("::1", 6379)].map { RedisEndpoint.Node(host: $0.0, port: $0.1) }
        #expect(short.address == .cluster(nodes) && !short.isTLS && short.user == nil)

        let full = try RedisEndpoint(url: "clusters://al:s%2F@one/")
        #expect(full.address == .cluster([RedisEndpoint.Node(host: "one", port: 6379)]))
        #expect(full.user == "al" && full.password?.text == "s/" && full.database == 0 && full.isTLS)
        #expect("\(full)" == "clusters://al:***@one:6379")
        // The nodes know one user, and that is ours.
        let node = full.guide(RedisEndpoint.Node(host: "two", port: 7000))
        #expect(node.address == .tcp(host: "two", port: 7000) && node.user == "al" && node.password?.text == "s/" && node.isTLS)
    }

    @Test(
        arguments: [
            ("localhost:6379", .scheme), ("http://localhost", .scheme), ("", .scheme), ("://", .scheme),
            ("redis://", .host), ("redis://:secret@", .host), ("redis://[::1", .host), ("redis://:6379", .host),
            ("redis://host:", .port), ("redis://host:0", .port), ("redis://host:65536", .port), ("redis://host:+1", .port),
            ("redis://[::1]6379", .port), ("redis://host:secret", .port),
            ("redis://secret@host", .user), ("unix:///a?user=alice", .user),
            ("redis://u:se%2@host", .password), ("redis://u:se/cret@host", .password), ("redis://u:se#cret@host", .password),
            ("redis://u:%ff@host", .password),
            ("redis://host/-1", .database), ("redis://host/secret", .database), ("unix:///a?db=x", .database),
            ("sentinel://one", .primary), ("sentinel://one/", .primary), ("sentinel://one/a/1/2", .primary),
            ("sentinel://one,/a", .host), ("sentinel://one,two:x/a", .port), ("sentinel://one/a/x", .database),
            ("sentinel://one/a?secret=1", .option), ("sentinel://one/a?sentinel_user=al", .user),
            ("sentinel://secret@one/a", .user), ("sentinel://one/a#x", .option),
            ("cluster://", .host), ("cluster://one,", .host), ("cluster://one,two:0", .port), ("cluster://one/0", .database),
            ("cluster://one/redeem", .database), ("cluster://one?a=b", .option), ("cluster://secret@one", .user),
            ("unix://host/path", .path), ("unix:path", .scheme), ("unix:///%zz", .path),
            ("redis://host?db=1", .option), ("redis://host/1#x", .option), ("unix:///a?secret=1", .option),
        ] as [(String, RedisURLError.Part)]
    )
    func namesTheBadPart(url: String, part: RedisURLError.Part) {
        let error = #expect(throws: RedisURLError.self) { try RedisEndpoint(url: url) }
        #expect(error?.part == part)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func refusesALongSocketPath() throws {
        _ = try RedisEndpoint(url: "unix:///" + String(repeating: "a", count: 106))
        #expect(throws: RedisURLError.self) { try RedisEndpoint(url: "unix:///" + String(repeating: "a", count: 107)) }
    }

    @Test(arguments: [
        ("redis://localhost", "redis://localhost:6379"),
        ("rediss://:secret@[::1]/2", "rediss://:***@[::1]:6379/2"),
        ("redis://alice:secret@host:1", "redis://alice:***@host:1"),
        (
            "sentinel://al:secret@one,[::1]:7/sale/2?sentinel_password=secret",
            "sentinel://al:***@one:26379,[::1]:7/sale/2"
        ),
        ("unix:///a?password=secret&user=alice&db=1", "unix:///a?db=1&user=alice&password=***"),
    ])
    func neverShowsThePassword(url: String, description: String) throws {
        let endpoint = try RedisEndpoint(url: url)
        #expect(endpoint.description == description)
        var dumped = ""
        dump(RedisConfiguration(endpoint: endpoint), to: &dumped)
        dump(endpoint, to: &dumped)
        dumped += "\(RedisConfiguration(endpoint: endpoint)) \(String(reflecting: endpoint))"
        #expect(!dumped.contains("secret"))
    }
}
