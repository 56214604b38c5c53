import Foundation
import NIOPosix
import Synchronization
import TestSupport
import Testing

/// The owner's loop against a simulated Redis and Postgres: thousands of schedules, each from a seed. Faults come between any two
/// steps.
///
/// `REDEEM_SIMULATION_SEED=n` runs one schedule and prints it; `REDEEM_SIMULATION_SEEDS=n` runs so many, from a random one on.
@Suite(.serialized) struct OwnerSimulationTests {
    private static let seeds = UInt64(SeedShare.of(1_000))
    /// Within so many each bug must be found.
    private static let seedsForABug: UInt64 = 500
    private static let stepsShown = 120

    @Test func everyScheduleKeepsEveryPromise() async throws {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["REDEEM_SIMULATION_SEED"].flatMap({ UInt64($0) }) {
            let (violation, trace) = await onThread { Self.run(seed) }
            print(trace.joined(separator: "\n"))
            #expect(violation == nil)
            return
        }
        var first: UInt64 = 1
        var count = Self.seeds
        if let wanted = environment["REDEEM_SIMULATION_SEEDS"].flatMap({ UInt64($0) }) {
            first = UInt64.random(in: 0...(.max / 2))
            count = wanted
        }
        let result = await Self.search(first..<(first + count), SaleSimulation.Bugs())
        if let seed = result.seed {
            let (violation, trace) = await onThread { Self.run(seed) }
            let last = trace.suffix(Self.stepsShown).joined(separator: "\n")
            Issue.record("REDEEM_SIMULATION_SEED=\(seed): \(violation ?? "not again")\n\(last)")
        }
        // A schedule that disturbs nothing proves nothing.
        for name in Fault.allCases.map(\.rawValue) + ["accepted"] {
            #expect(result.seen[name, default: 0] > Int(count) / 10, "\(name)")
        }
    }

    @Test(arguments: OwnerBug.allCases)
    func aBugOfTheOwnerIsFound(_ bug: OwnerBug) async {
        let result = await Self.search(1..<(1 + Self.seedsForABug), SaleSimulation.Bugs(owner: bug))
        #expect(result.seed != nil, "\(bug.rawValue): not found in \(Self.seedsForABug) schedules")
    }

    @Test(arguments: ScriptBug.allCases)
    func aBugOfAScriptIsFound(_ bug: ScriptBug) async {
        let result = await Self.search(1..<(1 + Self.seedsForABug), SaleSimulation.Bugs(script: bug))
        #expect(result.seed != nil, "\(bug.rawValue): not found in \(Self.seedsForABug) schedules")
    }

    /// Else a seed would be of no use.
    @Test func aSeedGivesTheSameScheduleAgain() async {
        let traces = await onThread { (Self.run(7).trace, Self.run(7).trace) }
        #expect(traces.0.count > 100)
        #expect(traces.0 == traces.1)
    }

    private static func run(_ seed: UInt64) -> (violation: String?, trace: [String]) {
        let sale = SaleSimulation(seed: seed, isTracing: true)
        let violation = sale.run()
        return (violation, sale.trace)
    }

    /// The least seed that was found to break a promise.
    private static func search(_ seeds: Range<UInt64>, _ bugs: SaleSimulation.Bugs) async -> Search.Result {
        let search = Search(seeds, bugs)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { await onThread { search.run() } } }
        }
        return search.result
    }
}

/// Schedules, one after the other on each of several threads, until one breaks a promise.
private final class Search: Sendable {
    struct Result: Sendable {
        var seed: UInt64?
        var seen: [String: Int] = [:]
    }

    private let seeds: Range<UInt64>
    private let bugs: SaleSimulation.Bugs
    private let next: Atomic<UInt64>
    private let found = Mutex(Result())

    init(_ seeds: Range<UInt64>, _ bugs: SaleSimulation.Bugs) {
        self.seeds = seeds
        self.bugs = bugs
        next = Atomic(seeds.lowerBound)
    }

    var result: Result { found.withLock { $0 } }

    func run() {
        while true {
            let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard seed < seeds.upperBound, result.seed == nil else { return }
            let sale = SaleSimulation(seed: seed, bugs: bugs)
            let violation = sale.run()
            let seen = sale.seen
            found.withLock { found in
                found.seen.merge(seen, uniquingKeysWith: +)
                if violation != nil { found.seed = min(seed, found.seed ?? .max) }
            }
        }
    }
}

/// Runs the body on a thread of its own, where no other task is.
private func onThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    let result = try! await pool.runIfActive { body() }
    try? await pool.shutdownGracefully()
    return result
}
