// swift-tools-version: 6.2
import PackageDescription

var settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
// Set by .ci/run. A compiler flag would hit the dependencies too.
if Context.environment["REDEEM_WARNINGS_AS_ERRORS"] != nil {
    settings.append(.treatAllWarnings(as: .error))
}

// Set by the Dockerfile: it has only the folders of what `redeem` is built of, and SwiftPM wants the folder of each target.
let isProgramOnly = Context.environment["REDEEM_PROGRAM_ONLY"] != nil

/// One file a script, in `lua/`.
let scripts = [
    "redeem", "load_user", "user_state", "settle", "apply_control", "create_session", "refresh_session", "throttle",
    "begin_epoch", "load_coupon", "write_shard",
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
// Tests only: another reading of the same standard, to agree with.
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
// Tests only.
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let metricsCore: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "redeem",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "redeem", targets: ["redeem"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // The scripts that decide, compiled into the program so that code and scripts cannot be of two versions.
        .target(
            name: "LuaScripts",
            dependencies: ["CLibCrypto"],
            path: "lua",
            resources: scripts.map { .embedInCode("\($0).lua") },
            swiftSettings: settings
        ),
        .target(name: "Domain", swiftSettings: settings),
        .target(name: "Telemetry", dependencies: ["Domain", metricsCore], swiftSettings: settings),
        .target(
            name: "RedisClient",
            dependencies: ["CHiredis", logging, metricsCore, nioCore, nioPosix, nioSSL],
            swiftSettings: settings
        ),
        .target(name: "HotPath", dependencies: ["Domain", "LuaScripts", "RedisClient", nioCore], swiftSettings: settings),
        .target(name: "PostgresClient", dependencies: ["CLibPQ", lifecycle, logging, nioPosix], swiftSettings: settings),
        .target(
            name: "Persistence",
            dependencies: ["Domain", "PostgresClient", logging],
            resources: [.embedInCode("Migrations")],
            swiftSettings: settings
        ),
        .target(name: "Credentials", dependencies: ["CLibCrypto", "Domain", nioCore, nioPosix], swiftSettings: settings),
        .target(
            name: "Sync",
            dependencies: [
                "Domain", "HotPath", "Persistence", "PostgresClient", "RedisClient", "Telemetry", lifecycle, logging, metrics,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Server",
            dependencies: [
                "Credentials", "Domain", "HotPath", "Persistence", "PostgresClient", "RedisClient", "Telemetry", httpTypes,
                hummingbird, hummingbirdCore, lifecycle, logging, nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(name: "LocalStack", dependencies: ["Domain", lifecycle, logging, subprocess], swiftSettings: settings),
        // How a program talks to the people who run it: arguments, output, errors, exit codes.
        .target(
            name: "Terminal",
            dependencies: ["Domain", argumentParser, logging, systemPackage],
            swiftSettings: settings
        ),
        // HTTP load and what it measures; it knows nothing of coupons.
        .target(
            name: "LoadGenerator",
            dependencies: [histogram, nioCore, nioPosix, nioSSL, nioTLS],
            path: "bench/load",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "redeem",
            dependencies: [
                "Credentials", "Domain", "HotPath", "LoadGenerator", "LocalStack", "Persistence", "PostgresClient",
                "RedisClient", "Server", "Sync", "Telemetry", "Terminal", argumentParser, asyncHTTPClient, configuration,
                lifecycle, logging, metricsCore, nioCore, nioHTTP1, nioPosix, nioSSL, unixSignals,
            ],
            swiftSettings: settings
        ),
    ]
)

// These targets break, measure and test `redeem`, and are no part of it.
if !isProgramOnly {
    package.products.append(.executable(name: "redeem-torture", targets: ["redeem-torture"]))
    package.dependencies.append(.package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"))
    package.targets += [
        // A Redeem of its own on a bad network, faults, the history of a run, and what decides whether it kept every promise.
        .target(
            name: "Torture",
            dependencies: [
                "Credentials", "Domain", "HotPath", "LoadGenerator", "LocalStack", "Persistence", "PostgresClient",
                "RedisClient", "Sync", "Terminal", argumentParser, logging, nioCore, nioPosix, unixSignals,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "redeem-torture",
            dependencies: ["Domain", "Terminal", "Torture", argumentParser],
            swiftSettings: settings
        ),

        // Measures single steps of a request.
        .executableTarget(
            name: "MicroBench",
            dependencies: ["Credentials", "Domain", "HotPath", "RedisClient", "Server", nioCore],
            path: "bench/micro",
            swiftSettings: settings
        ),

        // The rules of the house that text alone shows to be kept.
        .testTarget(name: "TidyTests", swiftSettings: settings),
        .testTarget(name: "DomainTests", dependencies: ["Domain"], swiftSettings: settings),
        .testTarget(
            name: "LuaScriptsTests",
            dependencies: ["HotPath", "LuaScripts", "LocalStack", "RedisClient", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RedisClientTests",
            dependencies: ["LocalStack", "RedisClient", "TestSupport", logging, nioCore, nioEmbedded, nioPosix],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HotPathTests",
            dependencies: [
                "Domain", "HotPath", "LocalStack", "LuaScripts", "RedisClient", "TestSupport", logging, nioCore, nioEmbedded,
                nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PersistenceTests",
            dependencies: ["Domain", "Persistence", "PostgresClient", "LocalStack", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PostgresClientTests",
            dependencies: ["PostgresClient", "TestSupport", lifecycle],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SyncTests",
            dependencies: [
                "LuaScripts", "PostgresClient", "RedisClient", "Sync", "LocalStack", "TestSupport", logging, metrics,
                metricsTestKit,
                nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", metricsCore], swiftSettings: settings),
        .testTarget(
            name: "CredentialsTests",
            dependencies: ["Credentials", "Domain", "TestSupport", jwtKit],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Credentials", "Domain", "HotPath", "LocalStack", "Persistence", "PostgresClient", "RedisClient", "Server",
                "Sync", "Telemetry", "TestSupport", lifecycle, logging, nioCore, nioEmbedded, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LocalStackTests",
            dependencies: [
                "Domain", "HotPath", "LocalStack", "Persistence", "PostgresClient", "RedisClient", "TestSupport", lifecycle,
                logging, subprocess,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LoadGeneratorTests",
            dependencies: ["LoadGenerator", "TestSupport", nioCore, nioEmbedded, nioHTTP1, nioPosix, nioSSL],
            swiftSettings: settings
        ),
        .testTarget(name: "TerminalTests", dependencies: ["Terminal", "TestSupport", logging], swiftSettings: settings),
        .testTarget(
            name: "BenchTests",
            dependencies: ["redeem", "LoadGenerator", "Terminal", argumentParser, nioCore],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "Credentials", "Domain", "HotPath", "LoadGenerator", "LocalStack", "LuaScripts", "Persistence",
                "PostgresClient", "RedisClient", "Server", "Sync", "Telemetry", "Terminal", "TestSupport", "Torture",
                argumentParser, lifecycle, logging, nioCore, nioPosix, subprocess, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "redeem", "Credentials", "HotPath", "LocalStack", "Persistence", "PostgresClient", "RedisClient", "Telemetry",
                "Terminal", "TestSupport", "Torture", argumentParser, asyncHTTPClient, configuration, logging, nioCore, nioHTTP1,
                nioPosix, nioSSL, subprocess, systemPackage,
            ],
            swiftSettings: settings
        ),
        // What several test targets share: one LocalStack for the run, a database and a Redis for each test.
        .target(
            name: "TestSupport",
            dependencies: [
                "Domain", "HotPath", "LocalStack", "Persistence", "PostgresClient", "RedisClient", logging, nioCore, nioPosix,
            ],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
    ]
}
