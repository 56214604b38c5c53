/// A script as it is sent to Redis. Each file begins with its contract: keys, arguments, replies.
public struct LuaScript: Sendable {
    /// The file's name without `.lua`.
    public let name: String
    public let source: String
    /// What EVALSHA and SCRIPT EXISTS call the script: the SHA-1 of its source, 40 lower-case hexadecimal digits.
    public let sha1: String

    fileprivate init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        source = String(decoding: bytes, as: UTF8.self)
        sha1 = LuaScript.sha1(of: bytes)
    }
}

extension LuaScript {
    public static let redeem = LuaScript("redeem", PackageResources.redeem_lua)
    public static let loadUser = LuaScript("load_user", PackageResources.load_user_lua)
    public static let userState = LuaScript("user_state", PackageResources.user_state_lua)
    public static let settle = LuaScript("settle", PackageResources.settle_lua)
    public static let applyControl = LuaScript("apply_control", PackageResources.apply_control_lua)
    public static let createSession = LuaScript("create_session", PackageResources.create_session_lua)
    public static let refreshSession = LuaScript("refresh_session", PackageResources.refresh_session_lua)
    public static let throttle = LuaScript("throttle", PackageResources.throttle_lua)
    public static let beginEpoch = LuaScript("begin_epoch", PackageResources.begin_epoch_lua)
    public static let loadCoupon = LuaScript("load_coupon", PackageResources.load_coupon_lua)
    public static let writeShard = LuaScript("write_shard", PackageResources.write_shard_lua)
}
