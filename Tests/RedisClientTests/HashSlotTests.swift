import Testing

@testable import RedisClient

@Suite struct HashSlotTests {
    /// From `CLUSTER KEYSLOT`.
    @Test(arguments: [
        ("123456789", 12_739), ("foo", 12_182), ("{foo}bar", 12_182), ("a{foo}{bar}", 12_182), ("{}foo", 9_500), ("{foo", 13_308),
        ("", 0), ("{s0}:outbox", 11_097),
    ])
    func isThatOfRedis(key: String, slot: Int) {
        #expect(HashSlot(of: key).number == slot)
    }
}
