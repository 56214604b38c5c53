extension RedisConfiguration {
    /// The commands of a login. `PING` is one of them because a Redis that still loads its data, or a replica without its primary, accepts
    /// the others and refuses this one. The last command asks Redis whether it is a primary; a Sentinel is not asked.
    var login: [[String]] {
        var hello = ["HELLO", "2"]
        if let password = endpoint.password { hello += ["AUTH", endpoint.user ?? "default", password.text] }
        hello += ["SETNAME", clientName]
        let select = endpoint.database == 0 ? [] : [["SELECT", String(endpoint.database)]]
        switch peer {
        case .primary: return [hello] + select + [["PING"], RedisConfiguration.roleQuestion]
        case .sentinel, .clusterNode: return [hello] + select + [["PING"]]
        }
    }

    /// `ServerRole` reads the answer.
    static let roleQuestion = ["INFO", "replication"]
}

extension RedisError {
    /// True if Redis refuses this login, and not for a reason that passes. `connect` then waits no longer, although attempts go on.
    var isRefusedLogin: Bool {
        guard let serverPrefix else { return false }
        // These reasons pass.
        let isTemporary = ["LOADING", "BUSY", "MASTERDOWN"].contains(serverPrefix) || message.contains("max number of clients")
        return !isTemporary
    }
}
