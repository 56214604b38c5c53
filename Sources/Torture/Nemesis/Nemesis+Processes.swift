internal import Foundation
internal import LocalStack

extension Nemesis {
    /// A signal to a process.
    enum Blow {
        /// SIGKILL.
        case kill
        /// SIGSTOP: the process is silent, and its connections stay open.
        case suspend
        /// SIGTERM, or the order by which a store stops.
        case stop
    }

    func beginServer(_ record: FaultRecord, _ server: ServiceProcess, _ number: Int, _ blow: Blow) async throws -> Standing {
        let proxy = stack.links.clients[number]
        return try await begin(record, server, blow) { try await server.listen(behind: proxy) }
    }

    func beginSync(_ record: FaultRecord, _ number: Int, _ blow: Blow) async throws -> Standing {
        let worker = stack.workers[number]
        let standing = try await begin(record, worker, blow) { try await worker.start() }
        guard blow == .suspend else { return standing }
        return Standing(record: standing.record) { [monitor] record in
            // Postgres takes the lock from an owner that is silent, unless Postgres is away itself.
            let limit = ContinuousClock.now + Nemesis.takeoverLimit
            while monitor.owner == worker.name, ContinuousClock.now < limit { try await Task.sleep(for: .milliseconds(20)) }
            try await standing.heal(&record)
            if monitor.owner != worker.name {
                record.proof = record.proof.map { "\($0); \(monitor.owner ?? "nobody") took over" }
            }
        }
    }

    private func begin(
        _ record: FaultRecord,
        _ process: ServiceProcess,
        _ blow: Blow,
        start: @escaping () async throws -> Void
    ) async throws -> Standing {
        guard let pid = process.pid else { return Standing(record: record) { _ in } }
        switch blow {
        case .suspend:
            process.suspend()
            let letter = await Nemesis.state(of: pid, is: "T")
            return Standing(record: record) { record in
                process.resume()
                if letter { record.proof = "\(process.name), pid \(pid), was in state T" }
            }
        case .stop:
            let status = await process.stop()
            return Standing(record: record) { record in
                try await start()
                record.proof =
                    "\(process.name), pid \(pid) exited with \(status.map(String.init) ?? "a signal"), now \(process.pid ?? 0)"
                if status != 0 {
                    record.complaint = "SIGTERM, and \(process.name) ended with \(status.map(String.init) ?? "a signal")"
                }
            }
        case .kill:
            await process.kill()
            return Standing(record: record) { record in
                try await start()
                if let now = process.pid, now != pid { record.proof = "\(process.name), pid \(pid) → \(now)" }
            }
        }
    }

    func beginPostgres(_ record: FaultRecord, _ blow: Blow) async throws -> Standing {
        let postgres = stack.postgres
        guard let pid = postgres.pid else { return Standing(record: record) { _ in } }
        switch blow {
        case .suspend:
            postgres.suspend()
            let isStopped = await Nemesis.state(of: pid, is: "T")
            return Standing(record: record) { record in
                postgres.resume()
                if isStopped { record.proof = "postgres, pid \(pid), was in state T" }
            }
        case .stop: await postgres.stop()
        case .kill: await postgres.kill()
        }
        return Standing(record: record) { record in
            try await postgres.restart()
            if let now = postgres.pid, now != pid { record.proof = "postgres, pid \(pid) → \(now)" }
        }
    }

    static func state(of pid: Int32, is letter: Character) async -> Bool {
        let limit = ContinuousClock.now + .seconds(1)
        repeat {
            if ProcessStat.state(of: pid) == letter { return true }
            try? await Task.sleep(for: .milliseconds(2))
        } while ContinuousClock.now < limit
        return false
    }
}
