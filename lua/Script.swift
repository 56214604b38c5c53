/// The scripts, by the names of their files without `.lua`. Each file begins with its contract: keys, arguments, replies.
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

    public var source: String { text.source }

    /// EVALSHA and SCRIPT EXISTS call a script by this: the SHA-1 of its source, 40 lower-case hexadecimal digits.
    public var sha1: String { text.sha1 }

    private struct Text: Sendable {
        let source: String
        let sha1: String

        init(_ bytes: [UInt8]) {
            source = String(decoding: bytes, as: UTF8.self)
            sha1 = Script.sha1(of: bytes)
        }
    }

    private static let texts = Dictionary(uniqueKeysWithValues: allCases.map { ($0, Text($0.bytes)) })

    private var text: Text { Script.texts[self, default: Text(bytes)] }

    private var bytes: [UInt8] {
        switch self {
        case .redeem: PackageResources.redeem_lua
        case .loadUser: PackageResources.load_user_lua
        case .userState: PackageResources.user_state_lua
        case .settle: PackageResources.settle_lua
        case .applyControl: PackageResources.apply_control_lua
        case .createSession: PackageResources.create_session_lua
        case .refreshSession: PackageResources.refresh_session_lua
        case .throttle: PackageResources.throttle_lua
        case .beginEpoch: PackageResources.begin_epoch_lua
        case .loadCoupon: PackageResources.load_coupon_lua
        case .writeShard: PackageResources.write_shard_lua
        }
    }
}
