import Domain
import HotPath
import LuaScripts
import RedisClient
import TestSupport

/// What `redeem.lua` said to one request. The value of what was accepted is the redemption's id.
struct Decision: Equatable, CustomStringConvertible {
    let code: RedeemCode
    let value: String
    var description: String { "\(code.rawValue) \(value)" }
}

extension TestShard {
    /// Calls a script with nothing between the test and Redis.
    func call(_ script: Script, keys: [String], _ arguments: [String] = []) async throws -> RESPValue {
        let name = script.sha1(in: try await store.status().redis)
        return try await client.send(["EVALSHA", name, String(keys.count)] + keys + arguments)
    }

    func call(_ script: Script, keys: [String], _ arguments: [RESPArgument]) async throws -> RESPValue {
        let name = script.sha1(in: try await store.status().redis)
        return try await client.send(
            ["EVALSHA", name, String(keys.count)].asArguments + keys.asArguments + arguments,
            to: nil,
            deadline: nil
        )
    }

    /// One call of `redeem.lua`, all requests for the coupon of the first.
    func decide(
        _ requests: [RedeemRequest],
        wrongCodes: Int = 10,
        window: Int = 600_000,
        entries: Int = 1000
    ) async throws -> [Decision] {
        let digests = requests.map(\.codeDigest.hex)
        let redemptions = requests.flatMap(\.user.uuid.bytes) + requests.flatMap { Array($0.tail.base64URL.utf8) }
        let reply = try await call(
            .redeem,
            keys: [keys.coupon(requests[0].coupon), keys.outbox, keys.users] + requests.map { keys.session($0.session) },
            [String(wrongCodes), String(window), String(entries)].asArguments + [.bytes(redemptions)]
                + (Set(digests).count == 1 ? [digests[0]] : digests).asArguments
        )
        let values = try (reply.array ?? []).map { value in
            guard let text = value.string else { throw TestFailure("not text: \(value)") }
            return text
        }
        guard values.count >= 3, values[2].utf8.count == requests.count else { throw TestFailure("\(values)") }
        var rest = values[3...]
        let decisions = try zip(requests, values[2].utf8).map { request, letter in
            guard let code = RedeemCode(letter: letter) else { throw TestFailure("letter \(letter)") }
            var value = code == .accepted ? values[1] + request.tail.base64URL : ""
            if code.hasValue { value = rest.popFirst() ?? "" }
            switch code {
            case .accepted, .replayed, .alreadyRedeemed: value = UUIDv7(base64URL: value.utf8)?.description ?? value
            case .soldOut, .insufficientCredit, .wrongCode, .tooManyAttempts, .couponNotStarted, .couponPaused, .couponEnded,
                .couponNotLoaded, .userNotLoaded, .sessionRevoked, .backlogFull:
                break
            }
            return Decision(code: code, value: value)
        }
        guard rest.isEmpty else { throw TestFailure("values of nobody: \(rest)") }
        return decisions
    }

    func decide(_ request: RedeemRequest, wrongCodes: Int = 10, window: Int = 600_000) async throws -> Decision {
        try await decide([request], wrongCodes: wrongCodes, window: window)[0]
    }

    /// All that is in the outbox.
    func outbox() async throws -> [OutboxEntry] {
        try await store.readOutbox(after: .zero, count: 100_000).map { read in
            guard case .entry(let entry) = read else { throw TestFailure("\(read)") }
            return entry
        }
    }

    /// All of the Redis, to see whether anything changed.
    func everything() async throws -> [String: RESPValue] {
        var everything: [String: RESPValue] = [:]
        for key in (try await self("KEYS", "*").array ?? []).compactMap(\.string) {
            guard try await self("TYPE", key) == .string("hash") else {
                everything[key] = try await self("DUMP", key)
                continue
            }
            // However Redis keeps it.
            let fields = try await self("HGETALL", key).array ?? []
            let pairs = stride(from: 0, to: fields.count, by: 2).map { [fields[$0].bytes ?? [], fields[$0 + 1].bytes ?? []] }
            everything[key] = .array(pairs.sorted { $0[0].lexicographicallyPrecedes($1[0]) }.joined().map { .bytes($0) })
        }
        return everything
    }
}

/// Milliseconds of Unix time, as Redis on this machine has it.
func now() -> Int { Int(Timestamp.now().milliseconds) }
