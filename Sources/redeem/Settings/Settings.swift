internal import Configuration
internal import Foundation
internal import Terminal

/// The settings of a process. A flag counts first, then the environment, then a file, then the default.
///
/// All keys are below `redeem`, so `redis.url` is `REDEEM_REDIS_URL` in the environment and in the file.
struct Settings: Sendable {
    let reader: ConfigReader

    /// - Parameters:
    ///   - flags: settings given on the command line, by key.
    ///   - file: a file of `NAME=value` lines, as `redeem dev` writes it.
    ///   - reporter: told each value that is read, defaults included.
    init(flags: [String: String?], file: String?, reporter: (any AccessReporter)? = nil) async throws {
        let environment = ProcessInfo.processInfo.environment
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("REDEEM_") {
            if let fault = SettingNames.fault(of: name, value: value) {
                throw UsageError("the environment: \(fault.problem)", remedy: fault.remedy)
            }
        }
        let file = try (file ?? environment["REDEEM_CONFIG"]).flatMap { $0.isEmpty ? nil : try SettingsFile(path: $0) }
        reader = ConfigReader(
            providers: [
                Settings.provider("flags") { flags[$0] ?? nil },
                Settings.provider("environment") { environment[SettingNames.variable($0)] },
                Settings.provider("file") { file?.values[SettingNames.variable($0)] },
            ],
            accessReporter: reporter
        )
        for key in SettingNames.keys.sorted() {
            guard let value = reader.text(key) else { continue }
            try Settings.check(value, key)
        }
    }

    /// Nothing is cut off here, because every byte of a key counts.
    private static func check(_ value: String, _ key: String) throws {
        let isEdged = value.first?.isWhitespace == true || value.last?.isWhitespace == true
        guard !isEdged, !value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\t" }) else {
            throw UsageError(
                "\(ConfigReader.variable(key)) begins or ends with a blank, or has a line end or control character in it",
                remedy: "take that away; a file with CRLF that a shell or container reads makes it, and --config does not"
            )
        }
    }

    private static func provider(_ name: String, _ value: (String) -> String?) -> InMemoryProvider {
        let values = SettingNames.keys.compactMap { key in
            value(key).map {
                (AbsoluteConfigKey(key.split(separator: ".").map(String.init)), ConfigValue(.string($0), isSecret: true))
            }
        }
        return InMemoryProvider(name: name, values: Dictionary(uniqueKeysWithValues: values))
    }
}

extension ConfigReader {
    /// The value of a key that has no default, or `nil` where it is set nowhere.
    func value<Value>(_ key: String, _ kind: String, _ parse: (String) -> Value?) throws -> Value? {
        guard let text = text(key) else { return nil }
        return try value(of: text, key, kind, parse)
    }

    /// Reads a text. The error, where it cannot be read, names its key.
    private func value<Value>(of text: String, _ key: String, _ kind: String, _ parse: (String) -> Value?) throws -> Value {
        guard let value = parse(text) else {
            throw UsageError(
                "\(ConfigReader.variable(key)) is \(ConfigReader.shown(text)), which is not \(kind)",
                remedy: "set it to \(kind)"
            )
        }
        return value
    }

    /// A setting that has no default. An empty value counts as none.
    func text(_ key: String) -> String? {
        precondition(SettingNames.keys.contains(key), "\(key) is not in SettingNames.keys")
        return string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A setting that has a default. The default is read like a value that was set: it obeys the same rules, and the reporter is
    /// told of it.
    func text(_ key: String, default standard: String) -> String {
        precondition(SettingNames.keys.contains(key), "\(key) is not in SettingNames.keys")
        let text = string(forKey: ConfigKey(key), default: standard)
        return text.isEmpty ? standard : text
    }

    func value<Value>(_ key: String, _ kind: String, default standard: String, _ parse: (String) -> Value?) throws -> Value {
        try value(of: text(key, default: standard), key, kind, parse)
    }

    /// The value as a message may show it. Somebody may have put a password into the wrong line, so only numbers and addresses
    /// are shown.
    static func shown(_ value: String) -> String {
        ArgumentSecrets.isNumeric(value) ? "'\(value)'" : "a text of \(value.utf8.count) bytes"
    }

    /// The name or address of a host.
    func host(_ key: String, default standard: String) throws -> String {
        // RFC 1123, section 2.1: labels of at most 63 characters, which a key in hexadecimal digits is not; else an IPv6 address.
        try value(key, "an address or the name of a host", default: standard) { text in
            let isName = text.utf8.count <= 253 && text.wholeMatch(of: /[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?/) != nil
            return isName || text.wholeMatch(of: /[0-9A-Fa-f:.]{2,45}(%\w{1,16})?/) != nil ? text : nil
        }
    }

    func count(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        try value(key, ConfigReader.kind(range)) { ConfigReader.number($0, in: range) }
    }

    func count(_ key: String, in range: ClosedRange<Int>, default standard: Int) throws -> Int {
        try value(key, ConfigReader.kind(range), default: "\(standard)") { ConfigReader.number($0, in: range) }
    }

    func milliseconds(_ key: String, in range: ClosedRange<Int> = 1...86_400_000, default standard: Duration) throws -> Duration {
        .milliseconds(try count(key, in: range, default: Int(standard / .milliseconds(1))))
    }

    func seconds(_ key: String, in range: ClosedRange<Int>, default standard: Duration) throws -> Duration {
        .seconds(try count(key, in: range, default: Int(standard / .seconds(1))))
    }

    private static func kind(_ range: ClosedRange<Int>) -> String {
        "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    private static func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// A setting that has no default and must be set.
    func required(_ key: String, flag: String, example: String) throws -> String {
        guard let text = text(key) else {
            throw UsageError(
                "\(ConfigReader.variable(key)) is not set",
                remedy: "set it, or give \(flag); for example \(example)"
            )
        }
        return text
    }

    static func variable(_ key: String) -> String { SettingNames.variable(key) }
}
