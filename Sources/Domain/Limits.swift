/// The limits that several parts must agree on. Limits of one part are in `ServerLimits` (bodies, connections, times),
/// `ServerConfiguration` (rates of logins), `HotPathLimits` (calls of scripts), `SessionLimits` (lifetimes), `PostgresConfiguration` and
/// `RedisConfiguration` (connections, deadlines), and `StackLimits` (private servers).
public enum Limits {
    /// The largest credit, price, total or count: 2^53 − 1, the last integer that a Lua number (a double) holds exactly.
    public static let amount = 1 << 53 - 1
    /// Characters of a coupon id.
    public static let couponIDLength = 64
    /// Characters of a username: a letter or digit first, then those and `. _ - @ +`.
    public static let usernameLength = 64
    /// UTF-8 bytes of a display name.
    public static let nameBytes = 200
    /// UTF-8 bytes of the reason that an operator gives for an action.
    public static let reasonBytes = 1000
    /// UTF-8 bytes of a password at most, and its characters at least.
    public static let passwordBytes = 1024
    public static let passwordCharactersLeast = 8
    /// UTF-8 bytes of a hidden code.
    public static let codeBytes = 128
    /// ASCII characters of an `Idempotency-Key`.
    public static let idempotencyKeyBytes = 128
    /// Wrong hidden codes that a user may send within `wrongCodeWindowSeconds` before further tries are refused.
    public static let wrongCodes = 10
    public static let wrongCodeWindowSeconds = 600
}
