public import RedisClient

/// A password in Redis's configuration that a user can read who may look at `appendfsync`: the right to `CONFIG GET` is one to all of it.
public enum ReadablePassword: Sendable, Hashable {
    /// `requirepass`, the password of the user `default`.
    case requirepass
    /// `masterauth`, the password of a user who may do more than replicate, such as the command `may`.
    case masterauth(user: String, may: String)

    /// Commands that replication does not need.
    static let probes = [
        ["get", "k"], ["set", "k", "v"], ["flushall"], ["config", "set", "appendfsync", "no"], ["acl", "list"],
        ["eval", "return 1", "0"],
        ["shutdown"], ["replicaof", "no", "one"],
    ]
}

extension RedisClient {
    /// The passwords that this client can read. Its own password does not count.
    /// - Parameter user: the user that this client logs in as; `nil`: `default`.
    public func readablePasswords(as user: String?) async throws(RedisError) -> [ReadablePassword] {
        var found: [ReadablePassword] = []
        let defaultUser = "default"
        let user = user ?? defaultUser
        if user != defaultUser, try await hasSetting("requirepass") { found.append(.requirepass) }
        guard try await hasSetting("masterauth") else { return found }
        let told = try await send(["CONFIG", "GET", "masteruser"]).array?.last?.string ?? ""
        let primary = told.isEmpty ? defaultUser : told
        guard primary != user else { return found }
        let replies = try await pipeline(ReadablePassword.probes.map { ["ACL", "DRYRUN", primary] + $0 })
        for (probe, reply) in zip(ReadablePassword.probes, replies) where reply.string == "OK" {
            found.append(.masterauth(user: primary, may: probe[0]))
            break
        }
        return found
    }

    /// True if the setting has a value. The value itself is dropped.
    private func hasSetting(_ name: String) async throws(RedisError) -> Bool {
        try await send(["CONFIG", "GET", name]).array?.last?.string?.isEmpty == false
    }
}
