import Foundation
import NIOHTTP1
import Testing
import TestSupport

/// A server that may open few files: clients get what is left over, and nothing else ever runs out of them.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OpenFilesTests {
    private static let limit = 200
    /// Longer with `REDEEM_STORM_SECONDS`.
    private static let seconds = ProcessInfo.processInfo.environment["REDEEM_STORM_SECONDS"].flatMap { Int($0) } ?? 6

    @Test func aStormOfIdleConnectionsLeavesTheRestAlone() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            let server = try await product.serve(openFiles: OpenFilesTests.limit)
            let pid = try #require(server.process.pid)
            let tokens = try await product.seed(users: 20 * OpenFilesTests.seconds, stock: 100_000)
            try await API.with(server.operations) { operations in
                let allowed = try await gauge("redeem_http_connections_allowed", operations)
                #expect((16..<OpenFilesTests.limit).contains(allowed))
                _ = try await server.process.logged("client_connections=\(allowed) limit=\(OpenFilesTests.limit)")
                try await API.with(server.api, connections: 1) { api in
                    // Anyone who is in stays in.
                    #expect(try await api.redeem(token: tokens[0]).status == 201)
                    let storm = try ConnectionStorm(url: server.api, connections: 2 * OpenFilesTests.limit)
                    defer { storm.end() }
                    try await until("all places are taken") {
                        try await gauge("redeem_http_connections", operations) >= allowed
                    }
                    let (cpu, began) = (try ProcessFiles.cpuSeconds(pid), ContinuousClock.now)
                    // A pause of the machine may cost a few of them: an answer is 503 where Redis is not heard of in time.
                    var (redeemed, asked, failed) = (0, 0, 0)
                    while ContinuousClock.now - began < .seconds(OpenFilesTests.seconds) {
                        // A connection of its own, as most probes have.
                        let ready = try await API.with(server.operations) { try await $0.send(.GET, "/readyz").status }
                        (asked, failed) = (asked + 1, failed + (ready == 200 ? 0 : 1))
                        redeemed += 1
                        if redeemed < tokens.count {
                            let status = try await api.redeem(token: tokens[redeemed]).status
                            (asked, failed) = (asked + 1, failed + (status == 201 ? 0 : 1))
                        }
                        #expect(try ProcessFiles.open(pid) < OpenFilesTests.limit)
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    let took = (ContinuousClock.now - began) / .seconds(1)
                    // One that tries to accept again and again takes all of a processor.
                    let used = try ProcessFiles.cpuSeconds(pid) - cpu
                    #expect(used < took / 2, "\(used) s of a processor in \(took) s")
                    #expect(failed * 10 <= asked, "\(failed) of \(asked) were not answered as they should be")
                    #expect(storm.reopened > OpenFilesTests.seconds, "the storm has not blown")
                }
            }
            #expect(await server.process.stop() == 0, "\(server.process.output)")
            #expect(await sync.stop() == 0)
        }
    }

    /// Where the kernel has no room for another connection nobody asks it again and again. Only that call fails here: libdispatch ends
    /// a process that can open nothing at all.
    @Test(.enabled("ptrace is not permitted here, so that a listener pauses is NOT proven", tracingIsPermitted))
    func whoComesWhenThereIsNoRoomWaits() async throws {
        try await Product.with { product in
            let server = try await product.serve()
            let pid = try #require(server.process.pid)
            try await API.with(server.api, connections: 1) { api in
                #expect(try await api.send(.GET, "/livez").status == 200)
                let trace = RedeemProcess(
                    ["-f", "-ttt", "-e", "trace=accept4", "-e", "inject=accept4:error=EMFILE", "-p", "\(pid)"],
                    program: "/usr/bin/strace"
                )
                let late = try await stopping({ _ = await trace.stop(SIGINT) }) {
                    _ = try await trace.line { $0.contains("attached") }
                    let late = Task { try await API.with(server.api) { try await $0.send(.GET, "/livez").status } }
                    try await until("the listener has tried again") { refusals(in: trace.output).count > 10 }
                    #expect(server.process.output.contains("no room for another connection; those who come wait"))
                    // Anyone who is in is served.
                    #expect(try await api.send(.GET, "/livez").status == 200)
                    return late
                }
                // Each after a pause of 100 ms.
                let times = refusals(in: trace.output)
                #expect(times[10] - times[0] > 0.9, "\(times)")
                #expect(try await late.value == 200)
            }
            #expect(await server.process.stop() == 0, "\(server.process.output)")
        }
    }

    /// When strace let a call fail, in seconds.
    private func refusals(in trace: String) -> [Double] {
        trace.matches(of: /(\d+\.\d+) accept4\(.* = -1 EMFILE/).compactMap { Double($0.output.1) }
    }

    @Test func aServerThatMayOpenTooFewDoesNotStart() async throws {
        try await Product.with { product in
            let server = product.start(["serve", "--port", "0", "--ops-port", "0"], openFiles: 100)
            #expect(await server.exitStatus() == 64)
            #expect(server.output.contains("this process may open 100 files"), "\(server.output)")
            #expect(server.output.contains("LimitNOFILE="))
            let doctor = product.start(["doctor"], openFiles: 100)
            #expect(await doctor.exitStatus() == 1)
            #expect(doctor.output.contains("WRONG  open files: 100"), "\(doctor.output)")
        }
    }

    /// The soft limit is what shells and supervisors give, and low; the hard one is what may be.
    @Test func theSoftLimitIsRaisedAsFarAsItMayBe() async throws {
        try await Product.with { product in
            for command in [["serve", "--port", "0", "--ops-port", "0"], ["sync"]] {
                let process = product.start(command, openFiles: 64, hard: 300)
                _ = try await process.logged("connected to Redis")
                let limits = try String(contentsOfFile: "/proc/\(try #require(process.pid))/limits", encoding: .utf8)
                let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
                let values = line.split(separator: " ").compactMap { Int($0) }
                #expect(values[0] == (command[0] == "serve" ? 300 : 256), "\(command): \(line)")
                _ = await process.stop(SIGKILL)
            }
        }
    }

    /// As much as many connections took for a moment is not kept for good.
    @Test func memoryIsGivenBackWhenConnectionsEnd() async throws {
        try await Product.with { product in
            let server = try await product.serve()
            let pid = try #require(server.process.pid)
            let before = try ProcessFiles.residentBytes(pid)
            // Far more than what a server keeps of its first connections for good, some 10 MB.
            let part = "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Padding: " + String(repeating: "x", count: 12_000)
            let storm = try ConnectionStorm(url: server.api, connections: 2000, sending: part, isRestless: false)
            try await API.with(server.operations) { operations in
                try await until("most are in") {
                    try await gauge("redeem_http_connections", operations) > 1200
                }
                let growth = try ProcessFiles.residentBytes(pid) - before
                #expect(growth > 16 << 20, "they took nothing: \(growth)")
                storm.end()
                try await until("most of \(growth) bytes is given back") {
                    try ProcessFiles.residentBytes(pid) - before < growth / 2
                }
            }
            #expect(await server.process.stop() == 0)
        }
    }

    private func gauge(_ name: String, _ operations: API) async throws -> Int {
        Int(try #require(try await operations.metric(name), "it does not tell \(name)"))
    }
}

/// What Linux says of another process.
private enum ProcessFiles {
    static func open(_ pid: Int32) throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count }

    static func residentBytes(_ pid: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)
        return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) }) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// User and system, all threads (proc(5)).
    static func cpuSeconds(_ pid: Int32) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        let ticks = try #require(Double(fields[11])) + (try #require(Double(fields[12])))
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// False only where the system forbids it, as containers may. A strace that is missing is no excuse.
@Sendable private func tracingIsPermitted() async -> Bool {
    let said = await shell("strace -qq -o /dev/null true 2>&1")
    return !(said.localizedCaseInsensitiveContains("ptrace") && said.contains("not permitted"))
}
