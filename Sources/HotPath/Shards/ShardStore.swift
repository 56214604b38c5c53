public import Domain

/// One shard in Redis: all of it but the redemptions, which go through `Redeemer`.
///
/// Every method throws `RedisError`; `isShardClosed` tells that the shard's scripts are not loaded, `isFenced` that a later
/// owner is at work.
public struct ShardStore: Sendable {
    public let shard: Shard
    let keys: Keys
    let client: RedisClient

    init(shard: Shard, client: RedisClient) {
        self.shard = shard
        self.client = client
        keys = Keys(shard)
    }

    /// Commands of one pipeline: few enough that a batch neither fills a connection's queue nor outlasts a deadline.
    static let pipelineLimit = 500

    /// Calls a script that answers with a code alone.
    func call<Code: RawRepresentable<String>>(
        _ script: Script,
        keys: [String],
        arguments: [String] = [],
        as code: Code.Type
    ) async throws(RedisError) -> Code {
        let reply = try await client.send(script.call(keys: keys, arguments: arguments))
        return try ShardStore.code(in: reply, of: script)
    }

    static func code<Code: RawRepresentable<String>>(in reply: RESPValue?, of script: Script) throws(RedisError) -> Code {
        guard let reply, let code = reply.string.flatMap(Code.init(rawValue:)) else {
            throw RedisError.unexpected(reply ?? .null, of: script.rawValue)
        }
        return code
    }

    /// Sends any number of commands, some hundred at a time. The first that Redis refused is thrown.
    func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RESPValue] {
        var replies: [RESPValue] = []
        replies.reserveCapacity(commands.count)
        var start = 0
        while start < commands.count {
            let end = min(start + ShardStore.pipelineLimit, commands.count)
            for reply in try await client.pipeline(Array(commands[start..<end])) {
                if case .error(let message) = reply { throw RedisError(.serverError, message) }
                replies.append(reply)
            }
            start = end
        }
        return replies
    }
}

extension RESPValue {
    /// A number, or the text of one: hash fields are text.
    var number: Int? { integer ?? string.flatMap { Int($0) } }
}
