import Domain
import HotPath
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

    /// One call of `redeem.lua`, all requests for the coupon of the first.
    func decide(
        _ requests: [RedeemRequest],
        wrongCodes: Int = 10,
        window: Int = 600_000,
        entries: Int = 1000
    ) async throws -> [Decision] {
        let coupon = requests[0].coupon
        let reply = try await call(
            .redeem,
            keys: [keys.coupon(coupon), keys.outbox] + requests.flatMap { [keys.user($0.user), keys.session($0.session)] },
            [String(wrongCodes), String(window), String(entries)] + requests.flatMap { [$0.tail.description, $0.codeDigest.hex] }
        )
        let values = try (reply.array ?? []).map { value in
            guard let text = value.string else { throw TestFailure("not text: \(value)") }
            return text
        }
        guard values.count == 2 + requests.count else { throw TestFailure("\(values.count) values") }
        return try zip(requests, values.dropFirst(2)).map { request, text in
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            guard let code = parts.first.flatMap(RedeemCode.init(rawValue:)) else { throw TestFailure("code \(text)") }
            let value = code == .accepted ? values[1] + request.tail.description : parts.dropFirst().first ?? ""
            return Decision(code: code, value: value)
        }
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
            everything[key] = try await self("DUMP", key)
        }
        return everything
    }
}

/// Milliseconds of Unix time, as Redis on this machine has it.
func now() -> Int { Int(Timestamp.now().milliseconds) }
