import Domain
import Persistence
import PostgresClient
import TestSupport
import Testing

@Suite struct ControlTests {
    /// Readers look all the time: whatever number they have seen last, everything up to it must be there.
    @Test func numbersHaveNoGapAndCommitInOrderUnderConcurrentWriters() async throws {
        try await withPostgresClient {
            $0.maximumConnections = 10
        } _: { client throws in
            let user = newUser("u")
            let coupon = newCoupon("c", total: 0)
            try await client.withConnection { connection throws in
                _ = try connection.createUser(user, actor: "admin")
                _ = try connection.createCoupon(coupon, codeKey: nil, actor: "admin")
            }
            let granted = try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var granted = 0
                        for round in 0..<25 {
                            switch (writer + round) % 4 {
                            // Rolled back after the number was taken: the total would pass its limit, the coupon is there.
                            case 0:
                                await #expect(throws: PostgresError.self) {
                                    try await client.withConnection { try $0.createCoupon(coupon, codeKey: nil, actor: "w") }
                                }
                            case 1:
                                _ = try await client.withConnection { try $0.restockCoupon(coupon.id, by: 1, actor: "w") }
                                granted += 1
                            default:
                                _ = try await client.withConnection {
                                    try $0.grantCredit(to: user.id, amount: 1, reason: "", actor: "w")
                                }
                                granted += 1
                            }
                        }
                        return granted
                    }
                }
                group.addTask {
                    var last = 0
                    while last < 151 {
                        let entries = try await client.withConnection { [last] in
                            try $0.controlEntries(after: last, limit: 1000).compactMap(\.entry)
                        }
                        #expect(entries.map(\.sequence) == Array((last + 1)..<(last + 1 + entries.count)))
                        last += entries.count
                    }
                    return 0
                }
                return try await group.reduce(0, +)
            }
            #expect(granted == 150)
            try await client.withConnection { connection throws in
                #expect(try connection.lastControlSequence() == 151)
                #expect(try connection.count("control_log") == 151)
                let grants = try connection.balance(of: user.id) ?? 0
                let restocks = try connection.couponChanges(after: 0).restocked[coupon.id] ?? 0
                #expect(grants + restocks == 150)
                #expect(try connection.coupon(coupon.id)?.total == restocks)
            }
        }
    }

    @Test func aRolledBackNumberIsGivenAgain() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let user = newUser("u")
                _ = try connection.createUser(user, actor: "admin")
                // The grant itself fails after the log entry has been written.
                try connection.script("alter table credit_grants add constraint no_fives check (amount <> 5)")
                for expected in 1...3 {
                    #expect(throws: PostgresError.self) {
                        try connection.grantCredit(to: user.id, amount: 5, reason: "", actor: "admin")
                    }
                    let entry = try connection.grantCredit(to: user.id, amount: 1, reason: "", actor: "admin")
                    #expect(entry?.sequence == expected)
                }
            }
        }
    }

    @Test func entriesComeInPages() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                for _ in 0..<4 { _ = try connection.restockCoupon(coupon.id, by: 2, actor: "admin") }
                #expect(try connection.controlEntries(after: 0, limit: 2).compactMap(\.entry).map(\.sequence) == [1, 2])
                #expect(try connection.controlEntries(after: 2, limit: 2).compactMap(\.entry).map(\.sequence) == [3, 4])
                #expect(try connection.controlEntries(after: 5, limit: 2).compactMap(\.entry) == [])
                #expect(try connection.couponChanges(after: 3).restocked == [coupon.id: 4])
            }
        }
    }

    /// As versions before there was importing wrote it.
    @Test func anEntryThatDoesNotSayHowOftenACouponWasRedeemedMeansNever() async throws {
        try await withPostgresClient { client throws in
            try await client.withConnection { connection throws in
                let coupon = try connection.createCoupon(newCoupon("c"), codeKey: nil, actor: "admin")
                #expect(try connection.count("control_log where payload->>'redeemed' = '0'") == 1)
                try connection.script("update control_log set payload = payload - 'redeemed'")
                #expect(
                    try connection.controlEntries(after: 0, limit: 9).compactMap(\.entry) == [
                        ControlEntry(sequence: 1, change: .couponCreated(coupon))
                    ]
                )
            }
        }
    }
}
