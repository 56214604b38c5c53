import Foundation
import TestSupport
import Testing

/// The Redis client and the redeemer against a simulated Redis that is slow, silent, gone, or out of its mind: thousands of
/// schedules, each from a seed.
///
/// `REDEEM_SIMULATION_SEED=n` runs one schedule.
@Suite struct ClientSimulationTests {
    private static let seeds = UInt64(SeedShare.of(2_000))
    private static let seedsForAFault: UInt64 = 200

    @Test func everyCommandIsAnsweredOnceAndTruly() {
        if let seed = ProcessInfo.processInfo.environment["REDEEM_SIMULATION_SEED"].flatMap({ UInt64($0) }) {
            #expect(ClientSimulation(seed: seed).run() == nil)
            return
        }
        var seen: [String: Int] = [:]
        for seed in 1...Self.seeds {
            let simulation = ClientSimulation(seed: seed)
            let violation = simulation.run()
            seen.merge(simulation.seen, uniquingKeysWith: +)
            #expect(violation == nil, "REDEEM_SIMULATION_SEED=\(seed)")
            if violation != nil { return }
        }
        for name in [
            "answered", "refused", "unknown", "error of the server", "connected", "attempt refused", "connection closed", "hung",
            "closed late", "noise", "silence",
        ] {
            #expect(seen[name, default: 0] > Int(Self.seeds) / 20, "\(name)")
        }
    }

    @Test(arguments: SimulatedServer.Fault.allCases)
    func aServerThatErrsIsNoticed(_ fault: SimulatedServer.Fault) {
        #expect((1...Self.seedsForAFault).contains { ClientSimulation(seed: $0, fault: fault).run() != nil })
    }
}
