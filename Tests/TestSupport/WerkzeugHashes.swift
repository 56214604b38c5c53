/// Passwords as a Flask service stores them, made by Werkzeug 3.1.8 itself:
///
/// ```
/// python3 -c '
/// from werkzeug.security import generate_password_hash as hash
/// for password, method, salt_length in [
///     ("correct horse battery", "scrypt", 16),
///     ("Grüße, 世界 🎟", "scrypt", 16),
///     ("cafe\u0301", "scrypt:16384:8:2", 8),
///     ("correct horse battery", "pbkdf2", 16),
///     ("пароль", "pbkdf2:sha256:260000", 16),
///     ("correct horse battery", "pbkdf2:sha256:150000", 8),
///     ("p$ss:w$rd", "pbkdf2:sha1:1000", 8),
///     ("Grüße, 世界 🎟", "pbkdf2:sha512:1000", 16),
///     ("", "pbkdf2:sha224:1", 1),
///     ("correct horse battery", "pbkdf2:sha384:1000", 64),
/// ]: print(password, hash(password, method, salt_length))'
/// ```
///
/// The salts are random, so another run prints others.
public enum WerkzeugHashes {
    public struct Example: Sendable, CustomStringConvertible {
        public let password: String
        public let stored: String

        public var description: String { stored }
    }

    public static let all = [
        Example(
            password: "correct horse battery",
            stored: "scrypt:32768:8:1$cNU8E1AiW2YHiGt3$3908787d324756f62f2b313e44ccb230065ad1d807c5baae9614072c"
                + "c85bccbbfc5cb1743a420a72e337bc71ea7e231f9c9b77d70160e6f75d2dfdcccd4254e7"
        ),
        Example(
            password: "Grüße, 世界 🎟",
            stored: "scrypt:32768:8:1$RhrPQLFjdzUq1ddV$dd4889dca801925f0bf807c5a2ef72a28a977b862dc1658c2d5d2ae1"
                + "3b0a72145a9b72f4f54435d51e1b05846489df2d77bb06c639187665db3272d144996a84"
        ),
        Example(
            password: "cafe\u{301}",
            stored: "scrypt:16384:8:2$e72e2QNq$6e53fab5b9d0486ab7e1d249e2db264e7dffeb43f590706a0f9e3347b67d134b"
                + "c2adfa6845a12a09d631a6561f20fced9cc25931604ad23a90ef316713844422"
        ),
        Example(
            password: "correct horse battery",
            stored: "pbkdf2:sha256:1000000$VrrLkSGxyJ4eoT1X$d2b9aed24e530c7c9ca51dec2a6daa1e2272aad9ac0cf65b586"
                + "1648839edebb0"
        ),
        Example(
            password: "пароль",
            stored: "pbkdf2:sha256:260000$yVZK96aByR39Ah3K$56570c8d58975cd3a237e6910d55468dedfe1be9ffdeeec1f761"
                + "73e3de66a60a"
        ),
        Example(
            password: "correct horse battery",
            stored: "pbkdf2:sha256:150000$rQXc4BxE$9c8d31fb0d64f6380b123dc765631bf53d36a303c0816cc138619b4eb328"
                + "1f09"
        ),
        Example(
            password: "p$ss:w$rd",
            stored: "pbkdf2:sha1:1000$JnzxK7QC$cd88cfc1891bbf3cb2ce2d8e5314df43bf8d18f2"
        ),
        Example(
            password: "Grüße, 世界 🎟",
            stored: "pbkdf2:sha512:1000$uolhpJsusv6gPZS0$ccb07197733e9c937cd9551f73852fdff7400af3eeff486eb71159"
                + "c0396967940799887893dcbba7cfc47a377162270f5c585c8c1ea029b7091bcdd74d381ce4"
        ),
        Example(
            password: "",
            stored: "pbkdf2:sha224:1$9$837c0ae48bae5911e8844fd2e8f3b83baf46777766921dec78caee03"
        ),
        Example(
            password: "correct horse battery",
            stored: "pbkdf2:sha384:1000$ZVXCrrZL8iOETxtYAqSCAMYpufYszPrWhU3Q2lopGrlrdfrsCmD2gdv8NBdKpX56$02f94e"
                + "373d640fd25eb1f88f3f89cdb11e165893210004be963aaa04be0e94f2424f0835a19ac102696a09260f9dc61c"
        ),
    ]

    public static let scrypt = all[0]
    public static let unicode = all[1]
    public static let pbkdf2 = all[5]
}
