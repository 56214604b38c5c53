import Domain
import LuaScripts

@testable import HotPath
@testable import RedisClient

/// A process's client of the simulated Redis. It reconnects at once.
struct SimulatedClient: RedisCommands, @unchecked Sendable {
    var isOfCluster: Bool { false }
    let simulation: Simulation
    let process: SimulatedProcess
    var bug: OwnerBug?

    /// As long as a real client waits for a connection.
    private static let patienceMilliseconds = 1000

    private var redis: SimulatedRedis { simulation.redis }

    func connect() async throws(RedisError) {
        let error: RedisError? = await withUnsafeContinuation { continuation in
            simulation.send(
                process,
                .clock,
                "wait for Redis",
                wakeAfter: SimulatedClient.patienceMilliseconds,
                isReady: { redis.isUp },
                step: { true },
                answer: { continuation.resume(returning: redis.isUp ? nil : SimulatedClient.absence) },
                fail: { _ in continuation.resume(returning: SimulatedClient.absence) }
            )
        }
        if let error { throw error }
    }

    func send(_ command: [RESPArgument], to id: ReplicationID?, deadline: Duration?) async throws(RedisError) -> RESPValue {
        let arguments = command.map(\.simulated)
        let isRead = arguments[0] == "XREAD" && !arguments.contains("BLOCK")
        if isRead, bug == .salvagesNothing { return .null }
        if isRead, bug == .leavesLeftovers {
            // Reads as one would who takes nothing at or below the cursor for his business.
            let after = simulation.postgres.cursor.map { "\($0.lastID)" } ?? "0-0"
            return try await perform([arguments.dropLast() + [after]], to: id)[0]
        }
        let reply = try await perform([arguments], to: id)[0]
        if case .error(let message) = reply { throw RedisError(.serverError, message) }
        return reply
    }

    func pipeline(
        to id: ReplicationID?,
        deadline: Duration?,
        _ commands: @escaping @Sendable (ReplicationID) -> [[RESPArgument]]
    ) async throws(RedisError) -> (replies: [RESPValue], from: ReplicationID) {
        let own = redis.id
        let commands = commands(own).map { $0.map(\.simulated) }
        // Questions whose answer is always the same would be most of a schedule.
        let isQuestion = commands.allSatisfy { ["ACL", "INFO"].contains($0[0]) }
        if isQuestion, redis.isUp, !process.isDead { return (commands.map { redis.execute($0) }, own) }
        var replies = try await perform(commands, to: id)
        if bug == .opensWithoutVerifying, let place = commands.firstIndex(where: { $0[0] == "XINFO" }) {
            replies[place] = outboxThatSuits(replies[place])
        }
        return (replies, own)
    }

    /// What Redis says of its outbox, made so that the comparison finds nothing wrong.
    private func outboxThatSuits(_ reply: RESPValue) -> RESPValue {
        let last = reply.dictionary["last-generated-id"]?.string.flatMap { StreamID($0) } ?? .zero
        let suiting = max(last, simulation.postgres.cursor?.lastID ?? .zero)
        return .array([.string("length"), .integer(0), .string("last-generated-id"), .string("\(suiting)")])
    }

    private static let absence = RedisError(.notConnected, "there is no simulated Redis")

    private func perform(_ commands: [[String]], to id: ReplicationID?) async throws(RedisError) -> [RESPValue] {
        let result: Result<[RESPValue], RedisError> = await withUnsafeContinuation { continuation in
            let answer = { (result: Result<[RESPValue], RedisError>) in continuation.resume(returning: result) }
            let redis = redis
            guard !process.isDead, redis.isUp else { return answer(.failure(SimulatedClient.absence)) }
            if let id, id != redis.id, bug != .opensAnyRedis { return answer(.failure(RedisError.isAnotherRedis)) }
            guard !commands.isEmpty else { return answer(.success([])) }
            var replies: [RESPValue] = []
            let block = commands[0].firstIndex(of: "BLOCK").flatMap { Int(commands[0][$0 + 1]) }
            simulation.send(
                process,
                .redis(redis.id),
                commands.map(\.summary).joined(separator: "; "),
                wakeAfter: block,
                isReady: { block == nil || redis.hasEntries(commands[0]) },
                step: {
                    replies.append(redis.execute(commands[replies.count]))
                    return replies.count == commands.count
                },
                answer: { answer(.success(replies)) },
                fail: { answer(.failure(RedisError(.connectionLost, "simulated", outcomeIsUnknown: $0))) }
            )
        }
        return try result.get()
    }
}

extension [String] {
    /// For a trace: scripts by their names, and not all of their arguments.
    var summary: String {
        switch self[0] {
        case "EVAL", "EVALSHA":
            let name = SimulatedRedis.script(calledBy: self[1])?.rawValue ?? "a script"
            let keys = self[3...].prefix(Int(self[2])!)
            let arguments = self[(3 + keys.count)...]
            return ([name] + keys.prefix(1) + arguments.prefix(4)).joined(separator: " ")
        case "SCRIPT" where self[1] == "LOAD":
            return "SCRIPT LOAD \(SimulatedRedis.script(of: self[2])?.rawValue ?? "")"
        case "SCRIPT": return prefix(2).joined(separator: " ")
        default: return joined(separator: " ")
        }
    }
}

/// A bug in the owner's loop, for the simulation to find: the loop is the real one, and what surrounds it makes it do the wrong
/// thing.
enum OwnerBug: String, Sendable, CaseIterable {
    case settlesBeforeCommit = "settles a batch before its transaction is committed"
    /// The lock alone would do. Of the two walls one is to be seen, so the other is taken away with it.
    case ignoresTheCursor = "lands a batch wherever the cursor is, and without the lock"
    case reusesTheEpoch = "rebuilds under the epoch that was there before"
    case leavesLeftovers = "does not settle what committed and was not settled"
    case opensWithoutVerifying = "opens the shard wherever its outbox ends"
    case opensAnyRedis = "opens a Redis that took the place of the one that was verified"
    case salvagesNoUsers = "leaves what only users in Redis have where Postgres is older"
    case salvagesNothing = "does not land what the stream has before a new epoch"
}
