extension RedisConfiguration {
    /// `PING`, because a Redis that still loads its data, or a replica without its primary, accepts a login. Last, where it
    /// matters, the Redis says what it is.
    var login: [[String]] {
        var hello = ["HELLO", "2"]
        if let password = endpoint.password { hello += ["AUTH", endpoint.user ?? "default", password.text] }
        hello += ["SETNAME", clientName]
        let select = endpoint.database == 0 ? [] : [["SELECT", String(endpoint.database)]]
        switch peer {
        case .primary: return [hello] + select + [["PING"], RedisConfiguration.roleQuestion]
        case .sentinel: return [hello] + select + [["PING"]]
        }
    }

    /// `ServerRole` reads the answer.
    static let roleQuestion = ["INFO", "replication"]
}

extension RedisError {
    /// Redis does not want us as we are. `connect` then waits no longer, although attempts go on.
    var isRefusedLogin: Bool {
        guard let serverPrefix else { return false }
        // All are over after a while.
        let isTemporary = ["LOADING", "BUSY", "MASTERDOWN"].contains(serverPrefix) || message.contains("max number of clients")
        return !isTemporary
    }
}
