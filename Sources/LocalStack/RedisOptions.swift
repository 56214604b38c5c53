/// How a private Redis is configured. The default is what `durability=local` needs (docs/DURABILITY.md).
public struct RedisOptions: Sendable, Hashable {
    public enum FsyncPolicy: String, Sendable, CaseIterable {
        case always
        case everysec
        case no
    }

    public var appendOnly = true
    public var appendFsync = FsyncPolicy.always
    /// Bytes; `nil`: no limit.
    public var maxMemory: Int?
    public var maxMemoryPolicy = "noeviction"
    /// Words before the server's command: a program that becomes the server in the same process, as `strace -D` does. It starts
    /// in the server's folder.
    public var launcher: [String] = []
    /// The port on 127.0.0.1 of the primary that this is a replica of; `nil`: it is a primary.
    public var replicaOf: Int?
    /// Its users are those that docs/OPERATIONS.md asks for: `default` is off, and everybody else has no more rights than needed.
    /// Else there is one password, of the user `default`.
    public var isHardened = false
    /// Further lines of redis.conf. They come last, and so win over the rest.
    public var extra: [String] = []
    /// Variables of its own environment, beyond those that every private server has.
    public var environment: [String: String] = [:]

    public init() {}

    /// The text of redis.conf.
    func file(folder: String, port: Int, socket: String, password: String) -> String {
        var lines = [
            "bind 127.0.0.1",
            "port \(port)",
            "unixsocket \"\(socket)\"",
            "unixsocketperm 700",
            // Else a primary waits 5 s for further replicas before it sends the first one its data.
            "repl-diskless-sync-delay 0",
            "dir \"\(folder)\"",
            "daemonize no",
            // To standard output, where its parent waits for the line that says it is ready.
            "logfile \"\"",
            "always-show-logo no",
            // The append-only file alone is the state. Without it there is none.
            "save \"\"",
            "appendonly \(appendOnly ? "yes" : "no")",
            "appendfsync \(appendFsync.rawValue)",
            "no-appendfsync-on-rewrite no",
            // A rewrite takes a core for seconds, so none begins in the middle of a sale.
            "auto-aof-rewrite-min-size 2gb",
            "maxmemory-policy \(maxMemoryPolicy)",
        ]
        lines += isHardened ? RedisOptions.users(password) : ["requirepass \(password)"]
        // A primary becomes a replica one day, and all of them have one password.
        lines.append("masterauth \(password)")
        if let maxMemory { lines.append("maxmemory \(maxMemory)") }
        if let replicaOf { lines.append("replicaof 127.0.0.1 \(replicaOf)") }
        return (lines + extra).joined(separator: "\n") + "\n"
    }

    /// Who may do everything.
    var administrator: String { isHardened ? "admin" : "default" }
    /// As whom a Sentinel comes in; `nil`: as `default`.
    var sentinel: String? { isHardened ? "sentinel" : nil }

    private static func users(_ password: String) -> [String] {
        [
            // Reads the append-only file.
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
