internal import Configuration
internal import Domain
internal import HotPath
internal import NIOCore
internal import NIOPosix
internal import RedisClient
internal import Server

extension Examination {
    func redis(_ findings: inout Findings) async {
        guard
            let configuration = findings.check(
                "Redis settings",
                try RedisConfiguration(settings.reader),
                { "\($0.endpoint)" }
            ),
            let logger = try? settings.logger("doctor")
        else { return }
        let client = RedisClient(
            configuration: configuration,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        do {
            try await client.connect()
            findings.version(RedisVersion(try await client.send(RedisVersion.question)), of: nil)
            let time = (try await client.send(["TIME"]).array ?? []).compactMap { $0.string.flatMap { Int64($0) } }
            if time.count == 2 {
                findings.clock("Redis", Timestamp(milliseconds: time[0] * 1000 + time[1] / 1000))
            }
            switch process {
            case .serve: await durability(client, of: nil, &findings)
            case .sync: try await replay(client, of: nil, &findings)
            case .admin: break
            }
            if client.isOfCluster {
                try await cluster(client, configuration, &findings)
            } else if try await client.send(["INFO", "cluster"]).info["cluster_enabled"] == "1" {
                let told = "it is a node of a cluster, whose slots may move to another node"
                findings.add("Redis", false, told, RedisError.remedyForANode)
            }
            if process != .admin { await findings.passwords(client, configuration.endpoint.user) }
            for store in HotPath(client: client).stores { try await shard(store, &findings) }
        } catch let error as RedisError {
            findings.add("Redis", false, "\(error)", error.remedy)
        } catch {
            findings.add("Redis", false, "\(error)", "")
        }
        await client.close()
    }

    /// A worker opens no shard on a Redis that would refuse a part of its own file at the next start.
    /// - Parameter node: of a cluster; `nil`: the Redis that the shard is in.
    func replay(_ client: RedisClient, of node: String?, _ findings: inout Findings) async throws {
        let refused = try await client.refusedInReplay()
        findings.add(
            (node.map { "\($0), " } ?? "") + "replay of Redis's file",
            refused.isEmpty,
            refused.isEmpty ? "all of it" : "refused to its user 'default': \(refused.joined(separator: ", "))",
            "send it, on every node: \(ReplayRights.command.joined(separator: " "))"
        )
    }

    func durability(_ client: RedisClient, of node: String?, _ findings: inout Findings) async {
        // Settings that cannot be read are among the other findings.
        guard let durability = try? settings.reader.durability(), let limits = try? HotPathLimits(settings.reader)
        else {
            return
        }
        let subject = (node.map { "\($0), " } ?? "") + "durability"
        do {
            try await durability.check(client, replicas: limits.replicas)
            findings.add(subject, true, "Redis is configured for \(durability.rawValue)", "")
        } catch {
            findings.add(subject, false, "\(durability.rawValue)", "\(error)")
        }
    }

    /// A closed shard does not keep a worker from starting, since workers open it.
    private func shard(_ store: ShardStore, _ findings: inout Findings) async throws {
        let status = try await store.status()
        let isOpen = status.epoch != nil && status.scriptsLoaded
        findings.add(
            "shard \(store.shard)",
            isOpen || process == .sync,
            isOpen ? "open, epoch \(status.epoch?.description ?? "-"), outbox \(status.outboxLength)" : "closed",
            "start `redeem sync`; if one runs, see its log"
        )
    }
}

extension Findings {
    /// - Parameter node: of a cluster; `nil`: the Redis that the shard is in.
    mutating func version(_ version: RedisVersion, of node: String?) {
        let least =
            switch version.program {
            case .redis: 7
            case .valkey: 8
            }
        let subject = node.map { "\($0), version" } ?? "Redis"
        add(subject, version.major >= least, "\(version)", "Redeem needs Redis 7.0 or newer, or Valkey 8 or newer")
    }

    /// A user who may read one setting of Redis may read them all, so the process could read passwords.
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
}
