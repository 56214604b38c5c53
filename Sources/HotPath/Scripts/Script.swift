import LuaScripts

/// The scripts, by the names of their files in `lua/`, where the contract of each is.
public enum Script: String, CaseIterable, Sendable {
    case redeem
    case loadUser = "load_user"
    case userState = "user_state"
    case settle
    case applyControl = "apply_control"
    case createSession = "create_session"
    case refreshSession = "refresh_session"
    case throttle
    case beginEpoch = "begin_epoch"
    case loadCoupon = "load_coupon"
    case writeShard = "write_shard"

    /// Those that loading makes a shard open, in the order of loading. `redeem` is last: once it is there, all are.
    public static let opening: [Script] = [
        .loadUser, .userState, .settle, .applyControl, .createSession, .refreshSession, .throttle, .redeem,
    ]

    /// Those of a rebuild. They run while the shard is closed, so the owner sends them whole (EVAL): nobody can call a script
    /// by its digest then, and what EVAL leaves in Redis's cache is only the script that it ran.
    public static let rebuilding: [Script] = [.beginEpoch, .loadCoupon, .writeShard]

    public var source: String { lua.source }

    /// 40 lower-case hexadecimal digits.
    public var sha1: String { lua.sha1 }

    private var lua: LuaScript {
        switch self {
        case .redeem: .redeem
        case .loadUser: .loadUser
        case .userState: .userState
        case .settle: .settle
        case .applyControl: .applyControl
        case .createSession: .createSession
        case .refreshSession: .refreshSession
        case .throttle: .throttle
        case .beginEpoch: .beginEpoch
        case .loadCoupon: .loadCoupon
        case .writeShard: .writeShard
        }
    }

    /// The call of a script that is loaded. NOSCRIPT means that the shard is closed.
    func call(keys: [String], arguments: [String] = []) -> [String] {
        ["EVALSHA", sha1, String(keys.count)] + keys + arguments
    }

    /// The script itself, for one that is not loaded.
    func evaluation(keys: [String], arguments: [String]) -> [String] {
        ["EVAL", source, String(keys.count)] + keys + arguments
    }
}
