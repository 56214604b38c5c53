internal import Domain
internal import HotPath
internal import NIOPosix
internal import RedisClient
internal import Server

extension Examination {
    /// The shard may be on any node tomorrow, so each of them is looked at as Redis is.
    func cluster(_ client: RedisClient, _ configuration: RedisConfiguration, _ findings: inout Findings) async throws {
        guard case .cluster(let named) = configuration.endpoint.address else { return }
        let members = ClusterMember.all(
            in: try await client.send(ClusterMember.question),
            slots: try await client.send(["CLUSTER", "SLOTS"]),
            host: named.first?.host ?? ""
        )
        let covered = members.filter { $0.isPrimary && !$0.isDown }.reduce(0) { $0 + $1.slotCount }
        findings.add(
            "cluster",
            covered == HashSlot.count,
            "\(members.count(where: \.isPrimary)) primaries, \(members.count { !$0.isPrimary }) replicas, \(covered) of \(HashSlot.count) slots",
            "see `redis-cli --cluster check`, and `redis-cli --cluster fix`"
        )
        for member in members { await look(at: member, configuration, &findings) }
    }

    private func look(at member: ClusterMember, _ configuration: RedisConfiguration, _ findings: inout Findings) async {
        let subject = "node \(member.node)"
        guard !member.isDown else {
            return findings.add(
                subject,
                false,
                "down, as the others say",
                "start it, or take it out with `redis-cli --cluster del-node`"
            )
        }
        guard let logger = try? settings.logger("doctor") else { return }
        let client = RedisClient(
            configuration: configuration.node(member.node),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        do {
            try await client.connect()
            let open = ClusterMember.asked(in: try await client.send(ClusterMember.question))?.openSlots ?? []
            findings.add(
                subject,
                open.isEmpty,
                open.isEmpty
                    ? (member.isPrimary ? "a primary with \(member.slotCount) slots" : "a replica")
                    : "slots are on their way: \(open.map(String.init).joined(separator: ", "))",
                "wait for what moves them, or end it with `redis-cli --cluster fix`"
            )
            findings.version(RedisVersion(try await client.send(RedisVersion.question)), of: subject)
            if process == .serve { await durability(client, of: subject, &findings) }
            if process == .sync { try await replay(client, of: subject, &findings) }
        } catch let error as RedisError {
            findings.add(
                subject,
                false,
                "\(error)",
                "make it reachable from here as the cluster announces it, for this user: \(error.remedy)"
            )
        } catch {
            findings.add(subject, false, "\(error)", "")
        }
        await client.close()
    }
}
