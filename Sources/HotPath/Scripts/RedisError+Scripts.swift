public import RedisClient

extension RedisError {
    /// The shard's scripts are not loaded: its owner has not checked this Redis, or closed it. Nothing was done.
    public var isShardClosed: Bool { serverPrefix == "NOSCRIPT" }

    /// Another owner has begun a later epoch, or opened the shard: the caller is not the owner any more. Nothing was done.
    public var isFenced: Bool { serverPrefix == "FENCED" }

    /// The command took effect in Redis, and it is not known whether enough replicas have it.
    static func notReplicated(replicas: Int, within milliseconds: Int) -> RedisError {
        let message = "fewer than \(replicas) replicas acknowledged within \(milliseconds) ms"
        return RedisError(.deadlineExceeded, message, outcomeIsUnknown: true)
    }

    /// A script or Redis gave an answer of another form than expected. The command was carried out, so its outcome is unknown.
    static func unexpected(_ reply: RESPValue, of what: String) -> RedisError {
        let text = String(describing: reply).prefix(200)
        return RedisError(.protocolViolation, "unexpected reply of \(what): \(text)", outcomeIsUnknown: true)
    }
}
