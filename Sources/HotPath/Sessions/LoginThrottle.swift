public import Domain
import LuaScripts
public import RedisClient

/// How many logins may fail: some at once, and then one in each interval.
public struct LoginRate: Sendable, Hashable {
    public var burst: Int
    public var interval: Duration

    public init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
    }
}

/// The state of one rate, as a throttle tells it.
public struct RateState: Sendable, Hashable {
    /// How many logins the rate lets through at once when it is unused.
    public let burst: Int
    /// How long after a whole burst the rate is unused again.
    public let window: Duration
    /// How many more logins it lets through now.
    public let remaining: Int
    /// The time until it is unused again.
    public let reset: Duration
    /// The time until it lets the next login through; zero: now.
    public let retry: Duration
}

/// Slows down those who try passwords: `throttle.lua` counts failed logins for each username and for each address.
///
/// A login is charged before its password is checked, so many attempts at once are no way around the limit. The charge is given back if
/// the login did not fail. Only logins are throttled, so nobody can keep a user from sessions that exist.
public struct LoginThrottle: Sendable {
    public struct Charge: Sendable, Hashable {
        public let isAllowed: Bool
        public let username: RateState
        public let address: RateState
    }

    private let perUsername: LoginRate
    private let perAddress: LoginRate
    private let client: RedisClient
    private let keys: Keys

    /// All rates are in the first shard, since one call of the script needs both.
    public init(client: RedisClient, shards: ShardMap, perUsername: LoginRate, perAddress: LoginRate) {
        precondition(perUsername.isValid && perAddress.isValid)
        self.client = client
        self.perUsername = perUsername
        self.perAddress = perAddress
        keys = Keys(shards.shards[0])
    }

    /// Charges a login to the rates of its username and address, if both let it through.
    /// - Parameters:
    ///   - username: a digest of the username, since clients may send any text.
    ///   - address: the client's address, or the network that counts as one address.
    public func charge(username: String, address: String) async throws(RedisError) -> Charge {
        let reply = try await client.send(call("charge", username, address))
        let values = reply.array ?? []
        let code: ThrottleCode = try ShardStore.code(in: values.first, of: .throttle)
        let numbers = values.dropFirst().compactMap(\.integer)
        guard numbers.count == 6, code != .refunded else { throw RedisError.unexpected(reply, of: Script.throttle.rawValue) }
        return Charge(
            isAllowed: code == .allowed,
            username: RateState(perUsername, numbers[0..<3]),
            address: RateState(perAddress, numbers[3..<6])
        )
    }

    /// Gives a charge back.
    public func refund(username: String, address: String) async throws(RedisError) {
        let reply = try await client.send(call("refund", username, address))
        let code: ThrottleCode = try ShardStore.code(in: reply.array?.first, of: .throttle)
        guard code == .refunded else { throw RedisError.unexpected(reply, of: Script.throttle.rawValue) }
    }

    private func call(_ what: String, _ username: String, _ address: String) -> [String] {
        Script.throttle.call(
            keys: [keys.loginsByUsername(username), keys.loginsByAddress(address)],
            arguments: [what] + [perUsername, perAddress].flatMap { [String($0.interval.milliseconds), String($0.burst)] }
        )
    }
}

extension LoginRate {
    fileprivate var isValid: Bool { burst >= 1 && interval >= .milliseconds(1) }
}

extension RateState {
    /// - Parameter numbers: those of `throttle.lua`: remaining, reset (ms), retry (ms).
    fileprivate init(_ rate: LoginRate, _ numbers: ArraySlice<Int>) {
        let numbers = Array(numbers)
        burst = rate.burst
        window = rate.interval * rate.burst
        remaining = numbers[0]
        reset = .milliseconds(numbers[1])
        retry = .milliseconds(numbers[2])
    }
}
