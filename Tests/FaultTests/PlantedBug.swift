import HotPath
import LocalStack
import LuaScripts
import RedisClient
import Testing

@testable import Torture

/// A bug in one of the scripts. The program is the one that is shipped; what it sends to Redis is changed on the way, so that
/// another script is loaded and called under the name of the right one.
struct PlantedBug: Sendable, CustomTestStringConvertible {
    let text: String
    let script: Script
    /// What the right script says, and what stands there instead. Not longer: the rest is filled with spaces.
    let right: String
    let wrong: String
    /// One of the rules that must be broken by it.
    let rules: Set<Violation.Rule>
    /// It shows only after Redis was rebuilt.
    var afterFlush = false

    var testDescription: String { "\(script.rawValue): \(text)" }

    /// - Returns: between a program and this Redis.
    func substitutions(_ redis: RedisClient) async throws -> [Substitution] {
        let filled = wrong + String(repeating: " ", count: right.utf8.count - wrong.utf8.count)
        let parts = script.source.split(separator: right, omittingEmptySubsequences: false)
        precondition(parts.count == 2, "\(script.rawValue) does not have once: \(right)")
        let source = parts.joined(separator: filled)
        let id = try await HotPath(client: redis).stores[0].status().redis
        let name = Script.sha1(of: Array(script.source(in: id).replacing(script.source, with: source).utf8))
        return [
            Substitution(script.source, with: source), Substitution(script.sha1(in: id), with: name),
            Substitution(name, with: script.sha1(in: id), in: .replies),
        ]
    }

    static let all = [
        PlantedBug(
            text: "the idempotency key is ignored",
            script: .redeem,
            right: "at and right and (accepted_tail[place] or sub(record, at + 9, at + 22)) == tails[i]",
            wrong: "false",
            rules: [.changedAnswer]
        ),
        PlantedBug(
            text: "an earlier redemption is not looked for",
            script: .redeem,
            right: "elseif at then\n            letter = 'd' -- already_redeemed",
            wrong: "elseif false then\n            letter = 'd'",
            rules: [.twice]
        ),
        PlantedBug(
            text: "stock is not looked at",
            script: .redeem,
            right: "elseif left < 1 then",
            wrong: "elseif false then",
            rules: [.stock]
        ),
        PlantedBug(
            text: "credit is not looked at",
            script: .redeem,
            right: "if credit < 0 then",
            wrong: "if false then",
            rules: [.credit]
        ),
        PlantedBug(
            text: "nothing is charged",
            script: .redeem,
            right: "local credit = read('>d', record) - price",
            wrong: "local credit = read('>d', record) - 0",
            rules: [.credit]
        ),
        PlantedBug(
            text: "sessions are not looked at",
            script: .redeem,
            right: "elseif not all_exist and call('EXISTS', KEYS[3 + i]) == 0 then",
            wrong: "elseif false then",
            rules: [.revoked]
        ),
        PlantedBug(
            text: "the outbox forgets",
            script: .redeem,
            right: "call('HSET', coupon_key, 'left', format('%d', left))",
            wrong: "call('XDEL', outbox, id)",
            rules: [.lost]
        ),
        PlantedBug(
            text: "more is trimmed than has landed",
            script: .settle,
            right: "call('XTRIM', outbox, 'MINID', next_id)",
            wrong: "call('XTRIM', outbox, 'MAXLEN', 0)",
            rules: [.lost]
        ),
        PlantedBug(
            text: "tails are read beside their places",
            script: .redeem,
            right: "{ read(rep('c14', count), blob, 16 * count + 1) }",
            wrong: "{ read(rep('c14', count), blob, 16 * count) }",
            // The last byte of a user's id is in the redemption's, and only a quarter of all bytes are base64url: most ids are none.
            rules: [.drift]
        ),
        PlantedBug(
            text: "an old refresh token is accepted",
            script: .refreshSession,
            right: "if presented == current then",
            wrong: "if true then",
            rules: [.refresh]
        ),
        PlantedBug(
            text: "a grant is lost",
            script: .applyControl,
            right: "local credit = struct.unpack('>d', record) + tonumber(ARGV[5])",
            wrong: "local credit = struct.unpack('>d', record)",
            rules: [.credit]
        ),
        PlantedBug(
            text: "earlier redemptions are not loaded",
            script: .loadUser,
            right: "for i = 5, valid and #ARGV or 0, 2 do",
            wrong: "for i = 5, 0, 2 do",
            rules: [.twice],
            afterFlush: true
        ),
    ]
}
