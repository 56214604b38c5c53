import LocalStack
import NIOHTTP1
import TestSupport
import Testing

/// What bench and torture raise.
@Suite struct WholeRedeemTests {
    @Test func itComesUpAndStopsInOrder() async throws {
        try await Product.with { product in
            let redeem = WholeRedeem(
                program: RedeemProcess.program,
                folder: product.folder,
                settings: product.environment,
                logger: testLogger()
            )
            try await redeem.migrate()
            let worker = redeem.worker()
            try await worker.start()
            let server = redeem.server(settings: ["REDEEM_DURABILITY": "relaxed"])
            let addresses = try await server.serve()
            try await API.with(addresses.operations) { operations in
                #expect(try await operations.send(.GET, "/livez").status == 200)
                try await until("ready") { try await operations.send(.GET, "/readyz").status == 200 }
            }
            #expect(worker.pid != nil && server.pid != nil)
            await redeem.stop()
            #expect(worker.pid == nil && server.pid == nil)
        }
    }

    /// It tells why, and ends what would be raised.
    @Test func aMigrationThatFailsTellsWhy() async throws {
        try await withTemporaryFolder { folder in
            let redeem = WholeRedeem(
                program: RedeemProcess.program,
                folder: folder,
                settings: ["REDEEM_REDIS_URL": "redis://127.0.0.1:1", "REDEEM_POSTGRES_URL": "mysql://127.0.0.1"],
                logger: testLogger()
            )
            let error = await #expect(throws: LocalStackError.self) { try await redeem.migrate() }
            #expect(error?.code == .commandFailed)
            #expect(error?.description.contains("REDEEM_POSTGRES_URL") == true, "\(error?.description ?? "")")
        }
    }
}
