internal import Persistence
internal import PostgresClient
internal import RedisClient

extension PostgresError {
    /// A remedy for the most likely cause.
    var remedy: String {
        if code == .poolerInTransactionMode { return hint ?? "" }
        switch sqlState {
        case "42501": return "its role lacks a right: as the owner of the tables, redeem doctor --print-postgres-roles | psql …"
        case "42P01", "42703": return "run: redeem migrate"
        case "53300": return "there are too many connections: lower REDEEM_POSTGRES_CONNECTIONS, or raise max_connections"
        case "57P03": return "it is starting or stopping: try again in a moment"
        default: break
        }
        // Until the connection is made libpq gives only a text.
        let causes = [
            (["password authentication failed", "no password supplied"], "check user and password in REDEEM_POSTGRES_URL"),
            (["no pg_hba.conf entry", "pg_hba.conf rejects"], "let this user and machine in: pg_hba.conf of the server"),
            (["role \""], "make the role, or name another in REDEEM_POSTGRES_URL: redeem doctor --print-postgres-roles"),
            (["database \""], "make the database, or name another in REDEEM_POSTGRES_URL"),
            (["permission denied for database"], "as the owner of the database: GRANT CONNECT ON DATABASE … TO …"),
            (["could not translate host name", "Name or service not known"], "check the host in REDEEM_POSTGRES_URL"),
            (
                ["Connection refused", "No such file or directory"],
                "check host and port in REDEEM_POSTGRES_URL, and that the server runs"
            ),
            (
                ["no connection to Postgres within", "timeout", "No route to host", "unreachable"],
                "check host, port and firewalls on the way"
            ),
            (["SSL", "certificate"], "check sslmode and sslrootcert in REDEEM_POSTGRES_URL"),
            (["too many clients", "remaining connection slots"], "lower REDEEM_POSTGRES_CONNECTIONS, or raise max_connections"),
            (["starting up", "shutting down", "recovery"], "it is starting or stopping: try again in a moment"),
        ]
        let cause = causes.first { words, _ in words.contains { message.contains($0) } }
        return cause?.1 ?? "check REDEEM_POSTGRES_URL, and that the server runs"
    }
}

extension RedisError {
    static let remedyForANode = "give some nodes of the cluster in REDEEM_REDIS_URL: cluster://user:password@host1,host2"

    /// A remedy for the most likely cause.
    var remedy: String {
        let causes = [
            (["WRONGPASS"], "check user and password in REDEEM_REDIS_URL"),
            (["NOAUTH"], "give user and password in REDEEM_REDIS_URL"),
            (["NOPERM"], "its user lacks a right: redeem doctor --print-redis-acl | redis-cli …"),
            (["LOADING"], "it is loading its data: try again in a moment"),
            (["MOVED "], RedisError.remedyForANode),
            (["cluster support disabled"], "it is in no cluster: write REDEEM_REDIS_URL as redis://, or give nodes of a cluster"),
            (
                ["no node of the cluster has"],
                "see `redis-cli --cluster check`, or give nodes of another cluster in REDEEM_REDIS_URL"
            ),
            (
                ["ASK ", "TRYAGAIN"],
                "the slot is on its way to another node: wait for what moves it, or end it with `redis-cli --cluster fix`"
            ),
            (["CLUSTERDOWN"], "see `redis-cli --cluster check`: too many primaries are down, or slots have no node"),
            (
                ["missed a failover"],
                "make those that know of it reachable from here: check hosts, ports and firewalls on the way"
            ),
            (["it is a replica"], "give the address of its primary, or of its Sentinels, in REDEEM_REDIS_URL"),
            (["Sentinel"], "check the Sentinels' addresses and the primary's name in REDEEM_REDIS_URL"),
            (
                ["onnection refused", "No such file", "ECONNREFUSED", "ENOENT"],
                "check host and port in REDEEM_REDIS_URL, and that the server runs"
            ),
            (["DNS", "resolve", "NXDOMAIN", "not known"], "check the host in REDEEM_REDIS_URL"),
            (
                ["timed out", "timeout", "Timeout", "no answer", "no reply"],
                "check host, port and firewalls on the way, and whether it hangs"
            ),
            (["TLS", "SSL", "certificate", "handshake"], "check rediss:// in REDEEM_REDIS_URL, and the certificate"),
        ]
        let cause = causes.first { words, _ in words.contains { message.contains($0) } }
        return cause?.1 ?? "check REDEEM_REDIS_URL, and that the server runs"
    }
}
