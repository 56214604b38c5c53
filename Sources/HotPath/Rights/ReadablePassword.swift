public import RedisClient

/// A password in Redis's configuration, which anyone who may look at `appendfsync` reads: a right to `CONFIG GET` is one to all of it.
public enum ReadablePassword: Sendable, Hashable {
    /// `requirepass`, which is the user default's.
    case requirepass
    /// `masterauth`, of a user who may do this beside replicating.
    case masterauth(user: String, may: String)

    /// What nobody needs to replicate.
    static let probes = [
        ["get", "k"], ["set", "k", "v"], ["flushall"], ["config", "set", "appendfsync", "no"], ["acl", "list"],
        ["eval", "return 1", "0"],
        ["shutdown"], ["replicaof", "no", "one"],
    ]
}

extension RedisClient {
    /// - Parameter user: as whom this client comes in: what it knows by itself is not told.
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

    /// Whether it is set. The value goes no further.
    private func hasSetting(_ name: String) async throws(RedisError) -> Bool {
        try await send(["CONFIG", "GET", name]).array?.last?.string?.isEmpty == false
    }
}
