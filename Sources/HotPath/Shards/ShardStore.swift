public import Domain
import LuaScripts
public import RedisClient

/// One shard in Redis. It does everything there but redeem, which is for `Redeemer`.
///
/// Every method throws `RedisError`; `isShardClosed` tells that the shard's scripts are not loaded, `isFenced` that a later
/// owner is at work.
public struct ShardStore: Sendable {
    public let shard: Shard
    let keys: Keys
    let client: any RedisCommands
    /// The Redis that all commands are for; `nil`: any that the client is connected to.
    let redis: ReplicationID?

    init(shard: Shard, client: any RedisCommands, redis: ReplicationID? = nil) {
        self.shard = shard
        self.client = client
        self.redis = redis
        keys = Keys(shard)
    }

    /// The same shard, for one Redis alone. If the client is connected to another one, or that one has become another, every command fails
    /// (`notConnected`) and is not sent. So an owner works only on the Redis that it has verified.
    public func pinned(to redis: ReplicationID) -> ShardStore { ShardStore(shard: shard, client: client, redis: redis) }

    /// Waits until Redis answers, as `RedisClient.connect`.
    public func connected() async throws(RedisError) { try await client.connect() }

    func send(_ command: [String], deadline: Duration? = nil) async throws(RedisError) -> RESPValue {
        try await client.send(command, to: redis, deadline: deadline)
    }

    func send(_ command: [RESPArgument]) async throws(RedisError) -> RESPValue {
        try await client.send(command, to: redis, deadline: nil)
    }

    /// The most commands of one pipeline: few enough that they neither fill a connection's queue nor outlast a deadline.
    static let pipelineLimit = 500

    /// Calls a script that answers with a code alone.
    func call<Code: RawRepresentable<String>>(
        _ script: Script,
        keys: [String],
        arguments: [String] = [],
        as code: Code.Type
    ) async throws(RedisError) -> Code {
        try await call(script, keys: keys, arguments: arguments.asArguments, as: code)
    }

    func call<Code: RawRepresentable<String>>(
        _ script: Script,
        keys: [String],
        arguments: [RESPArgument],
        as code: Code.Type
    ) async throws(RedisError) -> Code {
        let reply = try await send(script.call(keys: keys, arguments: arguments))
        return try ShardStore.code(in: reply, of: script)
    }

    static func code<Code: RawRepresentable<String>>(in reply: RESPValue?, of script: Script) throws(RedisError) -> Code {
        guard let reply, let code = reply.string.flatMap(Code.init(rawValue:)) else {
            throw RedisError.unexpected(reply ?? .null, of: script.rawValue)
        }
        return code
    }

    /// Sends any number of commands, `pipelineLimit` at a time. Throws the first error that Redis answers.
    func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RESPValue] {
        try await pipeline(commands.map(\.asArguments))
    }

    func pipeline(_ commands: [[RESPArgument]]) async throws(RedisError) -> [RESPValue] {
        var replies: [RESPValue] = []
        replies.reserveCapacity(commands.count)
        var start = 0
        while start < commands.count {
            let end = min(start + ShardStore.pipelineLimit, commands.count)
            let part = Array(commands[start..<end])
            for reply in try await client.pipeline(to: redis, deadline: nil, { _ -> [[RESPArgument]] in part }).replies {
                if case .error(let message) = reply { throw RedisError(.serverError, message) }
                replies.append(reply)
            }
            start = end
        }
        return replies
    }
}
