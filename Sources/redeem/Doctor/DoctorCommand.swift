internal import ArgumentParser
internal import Domain
internal import Foundation
internal import HotPath
internal import NIOCore
internal import NIOPosix
internal import Persistence
internal import Server

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check settings, Redis, Postgres and the shard, and say what to mend. Exit code 1 when something is wrong."
    )

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Flag(help: RightsListing.help)
    var listing: RightsListing?

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        if let listing { return print(listing.text, terminator: "") }
        try await report {
            let settings = try await connection.settings()
            var findings = Findings()
            findings.check("token key", try ServiceKey.token(settings.reader)) { _ in "at least \(ServiceKey.leastBytes) bytes" }
            findings.check("other token keys", try ServiceKey.otherTokenKeys(settings.reader)) { "\($0.count)" }
            findings.check("code key", try ServiceKey.code(settings.reader)) { _ in "at least \(ServiceKey.leastBytes) bytes" }
            openFiles(settings, &findings)
            await postgres(settings, &findings)
            await redis(settings, &findings)
            if json { try Output.json(findings.all) } else { findings.print() }
            guard findings.all.allSatisfy(\.good) else { throw ExitCode.failure }
        }
    }

    /// As a server would have them that is started here, by this user. What keeps it from being configured is told elsewhere.
    private func openFiles(_ settings: Settings, _ findings: inout Findings) {
        guard let server = try? ServerConfiguration(settings.reader), let postgres = try? PostgresConfiguration(settings.reader)
        else { return }
        let files = FileBudget(server, postgres) { FileLimit.allowed(of: $0) }
        findings.add("open files", files.isEnough, files.seen, files.remedy)
    }

    private func postgres(_ settings: Settings, _ findings: inout Findings) async {
        do {
            let pool = PostgresClient(
                configuration: try PostgresConfiguration(settings.reader),
                logger: try settings.logger("doctor")
            )
            do {
                let (version, clock, pending, quarantined) = try await pool.withConnection { connection in
                    let pending = try Migrator().pending(on: connection).map(\.description)
                    let row = try connection.query("select current_setting('server_version_num')::bigint / 10000, now()")[0]
                    let quarantined = pending.isEmpty ? try connection.quarantineCount() : 0
                    return (try row.decode(0, as: Int.self), try row.decode(1, as: Timestamp.self), pending, quarantined)
                }
                findings.add("Postgres", version >= 15, "version \(version)", "Redeem needs Postgres 15 or newer")
                findings.clock("Postgres", clock)
                findings.add(
                    "schema",
                    pending.isEmpty,
                    pending.isEmpty ? "up to date" : "lacks \(pending.joined(separator: ", "))",
                    "run: redeem migrate"
                )
                do {
                    try await (try settings.reader.durability() ?? .local).check(pool)
                } catch {
                    findings.add("durability of Postgres", false, "not kept", "\(error)")
                }
                findings.add("quarantine", quarantined == 0, "\(quarantined) entries", "see: redeem quarantine list")
            } catch {
                findings.add("Postgres", false, "\(error)", "check REDEEM_POSTGRES_URL, and that the server runs")
            }
            await pool.close()
        } catch {
            findings.add("Postgres", false, "\(error)", "")
        }
    }

    private func redis(_ settings: Settings, _ findings: inout Findings) async {
        do {
            let stores = try RedisConfiguration(settings.reader)
            let durability = try settings.reader.durability() ?? .local
            let client = RedisClient(
                configuration: stores,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
                logger: try settings.logger("doctor")
            )
            do {
                try await client.connect()
                let version = try await client.send(["INFO", "server"]).info["redis_version"] ?? "unknown"
                let major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
                findings.add("Redis", major >= 7, "version \(version)", "Redeem needs Redis 7.0 or newer")
                let time = (try await client.send(["TIME"]).array ?? []).compactMap { $0.string.flatMap { Int64($0) } }
                if time.count == 2 {
                    findings.clock("Redis", Timestamp(milliseconds: time[0] * 1000 + time[1] / 1000))
                }
                do {
                    try await durability.check(client, replicas: try HotPathLimits(settings.reader).replicas)
                    findings.add("durability", true, "Redis is configured for \(durability.rawValue)", "")
                } catch {
                    findings.add("durability", false, "\(durability.rawValue)", "\(error)")
                }
                await findings.passwords(client, stores.endpoint.user)
                for store in HotPath(client: client).stores {
                    let status = try await store.status()
                    let open = status.epoch != nil && status.scriptsLoaded
                    findings.add(
                        "shard \(store.shard)",
                        open,
                        open ? "open, epoch \(status.epoch?.description ?? "-"), outbox \(status.outboxLength)" : "closed",
                        "start `redeem sync`; if one runs, see its log"
                    )
                }
            } catch {
                findings.add("Redis", false, "\(error)", "check REDEEM_REDIS_URL, and that the server runs")
            }
            await client.close()
        } catch {
            findings.add("Redis", false, "\(error)", "")
        }
    }
}

/// What the doctor saw.
private struct Findings {
    struct Finding: Encodable {
        let subject: String
        let good: Bool
        let seen: String
        let remedy: String
    }

    /// Windows of sales are judged by Redis's clock, tokens by the servers'.
    static let clockToleranceMilliseconds: Int64 = 2_000

    private(set) var all: [Finding] = []

    mutating func add(_ subject: String, _ good: Bool, _ seen: String, _ remedy: String) {
        all.append(Finding(subject: subject, good: good, seen: seen, remedy: good ? "" : remedy))
    }

    mutating func check<Value>(_ subject: String, _ value: @autoclosure () throws -> Value, _ seen: (Value) -> String) {
        do {
            add(subject, true, seen(try value()), "")
        } catch let error as UsageError {
            add(subject, false, error.problem, error.remedy)
        } catch {
            add(subject, false, "\(error)", "")
        }
    }

    /// Who reads one setting of Redis reads them all.
    mutating func passwords(_ client: RedisClient, _ user: String?) async {
        let subject = "passwords in Redis's configuration"
        do {
            let readable = try await client.readablePasswords(as: user)
            if readable.isEmpty { add(subject, true, "none that could be used", "") }
            for password in readable {
                switch password {
                case .requirepass:
                    add(
                        subject,
                        false,
                        "requirepass, which this user can read",
                        "give administrators a user of their own, and turn 'default' off: docs/OPERATIONS.md, Least rights"
                    )
                case .masterauth(let name, let right):
                    add(
                        subject,
                        false,
                        "masterauth, which this user can read, of the user '\(name)', who may \(right)",
                        "replicate as a user who may do nothing else (masteruser): docs/OPERATIONS.md, Redis with a replica and Sentinels"
                    )
                }
            }
        } catch {
            add(subject, false, "not told: \(error)", "allow it with: ACL SETUSER <user> +config|get +acl|dryrun")
        }
    }

    mutating func clock(_ server: String, _ clock: Timestamp) {
        let difference = clock.milliseconds - Timestamp.now().milliseconds
        add(
            "clock of \(server)",
            abs(difference) <= Findings.clockToleranceMilliseconds,
            "\(difference) ms from this machine's",
            "set the clocks by NTP"
        )
    }

    func print() {
        for finding in all {
            Output.text("\(finding.good ? "good " : "WRONG")  \(finding.subject): \(finding.seen)")
            if !finding.remedy.isEmpty { Output.text("       \(finding.remedy)") }
        }
    }
}
