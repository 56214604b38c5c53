import Domain
import HotPath
import LocalStack
import NIOHTTP1
import Persistence
import RedisClient
import Testing
import TestSupport

/// `redeem user load`: a sale goes on without Postgres for all users, not only for those who came before.
@Suite struct UserLoadTests {
    @Test func aSaleGoesOnWithoutPostgresForAllWhoAreLoaded() async throws {
        try await withPostgres { postgres in
            try await Product.with(postgres: postgres.url) { product in
                let sync = product.start("sync")
                let server = try await product.serve(with: ["REDEEM_POSTGRES_ACQUIRE_TIMEOUT_MS": "500"])
                _ = try await sync.logged("the shard is open")
                let tokens = try await product.seed(users: 1_200, stock: 100)
                // `redeem seed` loads them.
                try await forgetUsers(withCredit: "100", product)
                // As the processes whose rights it is documented to need, and again: there is nothing left to do.
                for said in ["loaded 1200 users into Redis; 0 were there", "loaded 0 users into Redis; 1200 were there"] {
                    let loaded = await redeem("user", "load", environment: product.environment(.server, .server))
                    #expect(loaded.status == 0 && loaded.output.contains(said), "\(loaded.output)")
                }
                try await product.run("user", "create", "late", "--password-stdin", "--credit", "50", input: "correct horse\n")
                try await API.with(server.api) { api in
                    let late = try await api.login("late", "correct horse")
                    // The login loaded them.
                    try await forgetUsers(withCredit: "50", product)
                    _ = await sync.stop()
                    await postgres.kill()
                    #expect(try await api.redeem(token: tokens[7]).status == 201)
                    #expect(try await api.redeem(token: tokens[1_199]).status == 201)
                    #expect(try await api.redeem(token: late).code == "ledger_unavailable")
                    try await until("the probe has seen it") {
                        try await api.send(.GET, "/readyz?verbose").body.contains("degraded")
                    }
                    #expect(try await api.send(.GET, "/readyz").status == 200)
                    // An outage does not fill the log, and each entry of it is one line, though Postgres's errors have more.
                    for _ in 0..<40 { #expect(try await api.redeem(token: late).status == 503) }
                    let lines = server.process.output.split(separator: "\n")
                    #expect(lines.count { $0.contains("users cannot be read from Postgres") } < 40)
                    for line in lines where !line.hasPrefix("ready ") {
                        #expect(line.contains(/^\d{4}-\d\d-\d\dT\S+ [a-z]+ redeem/), "not the beginning of an entry: \(line)")
                    }
                }
            }
        }
    }

    private func forgetUsers(withCredit credit: String, _ product: Product) async throws {
        try await product.inRedis { redis in
            let keys = Keys(Shard(index: 0))
            var position: String?
            repeat {
                let part = try await HotPath(client: redis).stores[0].scanUsers(position)
                position = part.next
                for user in part.users where try await redis.record(of: user, keys)?.available == Int(credit) {
                    try await redis.forget(user, keys)
                }
            } while position != nil
        }
    }

    @Test func saysWhatIsInTheWay() async throws {
        try await Product.with { product in
            let environment = product.environment(.server, .server)
            // Nobody has opened the shard.
            try await product.run("user", "create", "ada", "--password-stdin", "--credit", "50", input: "correct horse\n")
            let closed = await redeem("user", "load", environment: environment)
            #expect(closed.status == 69 && closed.output.contains("start `redeem sync`"), "\(closed.output)")
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            try await product.inRedis { _ = try await $0.send(["CONFIG", "SET", "maxmemory", "1000000"]) }
            let full = await redeem("user", "load", environment: environment)
            #expect(full.status == 1 && full.output.contains("REDEEM_REDIS_MEMORY_PERCENT"), "\(full.output)")
            try await product.inRedis { _ = try await $0.send(["CONFIG", "SET", "maxmemory", "0"]) }
            let loaded = await redeem("user", "load", "--rate", "1", "--json", environment: environment)
            #expect(loaded.status == 0 && loaded.output.contains("\"loaded\" : 1"), "\(loaded.output)")
            #expect(await redeem("user", "load", "--rate", "0", environment: environment).status == 64)
        }
    }
}
