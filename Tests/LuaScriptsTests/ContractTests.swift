import LuaScripts
import Testing

@testable import HotPath

/// The scripts' headers are what their callers are written against.
@Suite struct ContractTests {
    private static let codes: [Script: [String]] = [
        .redeem: RedeemCode.allCases.map { "\(Character(UnicodeScalar($0.letter))) \($0.rawValue)" },
        .loadUser: LoadUserReply.allCases.map(\.rawValue),
        .userState: UserStateCode.allCases.map(\.rawValue),
        .settle: SettleCode.allCases.map(\.rawValue),
        .applyControl: ApplyControlReply.allCases.map(\.rawValue),
        .createSession: CreateSessionCode.allCases.map(\.rawValue),
        .refreshSession: RefreshSessionCode.allCases.map(\.rawValue),
        .throttle: ThrottleCode.allCases.map(\.rawValue),
        .beginEpoch: BeginEpochCode.allCases.map(\.rawValue),
        .loadCoupon: LoadCouponCode.allCases.map(\.rawValue),
        .writeShard: WriteShardCode.allCases.map(\.rawValue),
    ]

    @Test(arguments: Script.allCases)
    func theHeaderListsTheCodesOfTheEnum(_ script: Script) throws {
        // A code's line is `--   code`, then nothing or its meaning; where a letter stands for the code, it is before it.
        let listed = header(of: script).compactMap { line in
            line.prefixMatch(of: /--   ((?:[a-z] )?[a-z][a-z_]*)( {2,}.*)?$/).map { String($0.output.1) }
        }
        #expect(listed == Self.codes[script])
    }

    @Test(arguments: Script.allCases)
    func theBodyAnswersWithTheCodesOfTheEnum(_ script: Script) throws {
        let lines = script.source.split(separator: "\n").filter { !$0.hasPrefix("--") }
        guard script != .redeem else {
            // Its line says which code a letter is.
            let answer = /(?:letter|letter, value|closed|closed, closed_value) = (?:closed or )?'([a-z])'.* -- ([a-z_]+)$/
            let answered = lines.compactMap { $0.firstMatch(of: answer).map { "\($0.output.1) \($0.output.2)" } }
            #expect(Set(answered + ["m coupon_not_loaded"]) == Set(Self.codes[script]!))
            #expect(lines.contains { $0.contains("rep('m', count) } -- coupon_not_loaded") })
            return
        }
        let body = lines.joined(separator: "\n")
        let answer = /(?:return|and|or) \{? ?'([a-z]+[a-z_]*)'/
        let answered = body.matches(of: answer).map { String($0.output.1) }
        #expect(Set(answered).isSubset(of: Self.codes[script]!), "a code that the enum lacks")
        for code in Self.codes[script]! { #expect(body.contains("'\(code)'"), "no '\(code)' in \(script)") }
    }

    @Test(arguments: Script.allCases)
    func theHeaderStatesKeysAndReply(_ script: Script) {
        let header = header(of: script)
        #expect(header.contains { $0.hasPrefix("-- KEYS  1 ") })
        #expect(header.contains { $0.hasPrefix("-- REPLY ") })
        #expect(header.contains { $0.hasPrefix("-- ARGV  1 ") } || !script.source.contains("ARGV"))
    }

    /// At maxmemory only what reads or makes room may run.
    @Test(arguments: Script.allCases)
    func theFirstLineGivesFlagsToFew(_ script: Script) {
        let expected =
            switch script {
            case .userState: "#!lua flags=no-writes"
            case .settle: "#!lua flags=allow-oom"
            case .redeem, .loadUser, .applyControl, .createSession, .refreshSession, .throttle, .beginEpoch, .loadCoupon,
                .writeShard:
                "#!lua"
            }
        #expect(script.source.prefix { $0 != "\n" } == expected)
    }

    @Test func eachScriptIsOfOneKind() {
        #expect(Set(Script.opening + Script.rebuilding) == Set(Script.allCases))
        #expect(Set(Script.opening).isDisjoint(with: Script.rebuilding))
        #expect(Set(Script.allCases.map(\.sha1)).count == Script.allCases.count)
    }

    private func header(of script: Script) -> [Substring] {
        Array(script.source.split(separator: "\n").dropFirst().prefix { $0.hasPrefix("--") })
    }
}
