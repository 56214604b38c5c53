internal import Domain

/// The configuration of a private Redis. The default is what `durability=local` needs (docs/DURABILITY.md).
public struct RedisOptions: Sendable, Hashable {
    public enum FsyncPolicy: String, Sendable, CaseIterable {
        case always
        case everysec
        case no
    }

    public var appendOnly = true
    public var appendFsync = FsyncPolicy.always
    /// In bytes; `nil`: no limit.
    public var maxMemory: Int?
    public var maxMemoryPolicy = "noeviction"
    /// Words before the server's command, for a program that becomes the server in the same process, as `strace -D` does. It
    /// starts in the server's folder.
    public var launcher: [String] = []
    /// The port on 127.0.0.1 of this replica's primary; `nil` if this is a primary.
    public var replicaOf: Int?
    /// `true`: it is a node of a cluster, which `RedisCluster` makes.
    public var isClusterNode = false
    /// How long a node of a cluster is silent before the others hold it to be down.
    public var clusterNodeTimeout: Duration = .seconds(2)
    /// `true`: the users are those that docs/OPERATIONS.md asks for. `default` is off, and each user has only the rights it
    /// needs. `false`: the one user is `default`, with a password.
    public var isHardened = false
    /// Further lines of redis.conf. They come last, so they override the others.
    public var extra: [String] = []
    /// Variables of this server's environment, beyond those that every private server has.
    public var environment: [String: String] = [:]

    public init() {}

    /// The text of redis.conf.
    func file(folder: String, port: Int, socket: String, password: String) -> String {
        var lines = [
            "bind 127.0.0.1",
            "port \(port)",
            "unixsocket \"\(socket)\"",
            "unixsocketperm 700",
            // Otherwise a primary waits 5 s for further replicas before it sends the first one its data.
            "repl-diskless-sync-delay 0",
            "dir \"\(folder)\"",
            "daemonize no",
            // The log goes to standard output, where the parent process waits for the line that says it is ready.
            "logfile \"\"",
            "always-show-logo no",
            // The append-only file alone keeps the state. Without it nothing is kept.
            "save \"\"",
            "appendonly \(appendOnly ? "yes" : "no")",
            "appendfsync \(appendFsync.rawValue)",
            "no-appendfsync-on-rewrite no",
            // A rewrite takes a core for seconds, so none may begin in the middle of a sale.
            "auto-aof-rewrite-min-size 2gb",
            "maxmemory-policy \(maxMemoryPolicy)",
        ]
        lines += isHardened ? RedisOptions.users(password) : ["requirepass \(password)"]
        // A primary may become a replica later, so each knows the password, which is the same for all.
        lines.append("masterauth \(password)")
        if let maxMemory { lines.append("maxmemory \(maxMemory)") }
        if isClusterNode {
            lines += [
                "cluster-enabled yes",
                "cluster-config-file nodes.conf",
                "cluster-node-timeout \(clusterNodeTimeout.milliseconds)",
                // The shards of a node that is down are enough to lose.
                "cluster-require-full-coverage no",
                // Replicas stay where they were put.
                "cluster-allow-replica-migration no",
                // A primary whose replicas are away for an hour would get another id, and its shards would be compared for nothing.
                "repl-backlog-ttl 0",
            ]
        }
        if let replicaOf { lines.append("replicaof 127.0.0.1 \(replicaOf)") }
        return (lines + extra).joined(separator: "\n") + "\n"
    }

    /// The user who may do everything.
    var administrator: String { isHardened ? "admin" : "default" }
    /// The user that a Sentinel logs in as; `nil`: `default`.
    var sentinel: String? { isHardened ? "sentinel" : nil }

    private static func users(_ password: String) -> [String] {
        [
            // Redis reads its append-only file as this user.
            "user default off resetpass ~* &* +@all",
            "user admin on >\(password) ~* &* +@all",
            "user replica on >\(password) +psync +replconf +ping",
            """
            user sentinel on >\(password) &* +multi +exec +slaveof +ping +info +role +publish +subscribe +config|rewrite \
            +client|setname +client|kill +script|kill
            """,
            "masteruser replica",
        ]
    }
}
