internal import ArgumentParser
internal import Configuration
internal import Foundation
internal import Logging
internal import SystemPackage

/// Where settings come from: flags, then the environment, then a file, then the defaults of each part.
///
/// All keys are below `redeem`, so `redis.url` is `REDEEM_REDIS_URL` in the environment and in the file.
struct Settings: Sendable {
    let reader: ConfigReader

    /// - Parameters:
    ///   - flags: settings given on the command line, by key.
    ///   - file: a file of `NAME=value` lines, as `redeem dev` writes it.
    init(flags: [String: String?], file: String?) async throws {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for case (let key, let value?) in flags {
            values[AbsoluteConfigKey("redeem.\(key)".split(separator: ".").map(String.init))] = ConfigValue(
                .string(value),
                isSecret: true
            )
        }
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "flags", values: values),
            EnvironmentVariablesProvider(secretsSpecifier: .all),
        ]
        if let file = file ?? ProcessInfo.processInfo.environment["REDEEM_CONFIG"] {
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw UsageError(
                    "cannot read the settings file '\(file)'",
                    remedy: "give --config the path of a file of NAME=value lines"
                )
            }
            providers.append(try await EnvironmentVariablesProvider(environmentFilePath: FilePath(file), secretsSpecifier: .all))
        }
        reader = ConfigReader(providers: providers).scoped(to: "redeem")
    }
}

extension ConfigReader {
    /// The value of a key, or `nil` where it is set nowhere. A value that cannot be read is an error that names it.
    func value<Value>(_ key: String, _ kind: String, _ parse: (String) -> Value?) throws -> Value? {
        guard let text = string(forKey: ConfigKey(key)), !text.isEmpty else { return nil }
        guard let value = parse(text) else {
            throw UsageError("\(ConfigReader.variable(key)) is '\(text)', which is not \(kind)", remedy: "set it to \(kind)")
        }
        return value
    }

    func text(_ key: String) -> String? {
        string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 }
    }

    func count(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        try value(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func milliseconds(_ key: String) throws -> Duration? {
        try count(key, in: 1...86_400_000).map { .milliseconds($0) }
    }

    /// A value that there is no default for.
    func required(_ key: String, flag: String, example: String) throws -> String {
        guard let text = text(key) else {
            throw UsageError(
                "\(ConfigReader.variable(key)) is not set",
                remedy: "set it, or give \(flag); for example \(example)"
            )
        }
        return text
    }

    static func variable(_ key: String) -> String {
        "REDEEM_" + key.uppercased().replacing(".", with: "_")
    }
}
