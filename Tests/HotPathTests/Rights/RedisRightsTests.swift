import Domain
import LuaScripts
import Testing

@testable import HotPath

@Suite struct RedisRightsTests {
    /// Redis looks at the rights of the caller for each command that a script runs.
    @Test(arguments: Script.allCases)
    func aScriptsRightsAreThoseOfItsCommands(_ script: Script) {
        let body = script.source.split(separator: "\n").filter { !$0.hasPrefix("--") }.joined(separator: "\n")
        let called = body.matches(of: /(?:call\(|local writes = \{ )'([A-Z]+)'/).map { $0.output.1.lowercased() }
        #expect(Set(called) == Set(script.rights.families.keys))
        // What a script touches, its caller names: all keys are passed.
        let touched = script.rights.families.values.reduce(into: Set()) { $0.formUnion($1) }
        #expect(touched.isSubset(of: script.keys))
    }

    @Test func rulesAreGroupedByKeys() {
        let rights = RedisRights(
            (["time", "ping"], []),
            (["hget"], [.coupon, .shard]),
            (["hset"], [.shard, .coupon]),
            (["get"], [.fence])
        )
        #expect(
            rights.rules(keys: [Keys(Shard(index: 0)), Keys(Shard(index: 1))]) == [
                "+ping", "+time", "(~{s0}:fence ~{s1}:fence +get)",
                "(~{s0}:record ~{s1}:record ~{s0}:coupon:* ~{s1}:coupon:* +hget +hset)",
            ]
        )
    }
}
