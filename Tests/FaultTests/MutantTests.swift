import Domain
import Testing

@testable import Torture

/// A suite that finds nothing is worth something only if it finds what is there: each of these bugs must break a promise, and
/// without any none may be broken.
@Suite(.serialized) struct MutantTests {
    private static let load: Duration = .milliseconds(1_250)

    @Test func withoutABugEveryPromiseIsKept() async throws {
        let verdict = try await SmallProduct.judge(patience: .seconds(30)) { product in
            try await Task.sleep(for: MutantTests.load)
            try await product.flush()
            try await Task.sleep(for: MutantTests.load)
        }
        #expect(verdict.rules == [], "\(verdict.text)")
    }

    @Test(arguments: PlantedBug.all)
    func aBugInAScriptIsCaught(_ bug: PlantedBug) async throws {
        // Whether the load happens upon a bug is a matter of chance and time: more of both, if once was not enough.
        var verdict: (rules: Set<Violation.Rule>, text: String) = ([], "")
        for tries in 1...3 where !bug.rules.isSubset(of: verdict.rules) {
            verdict = try await SmallProduct.judge(seed: UInt64(tries), bug: bug) { product in
                try await Task.sleep(for: MutantTests.load * tries)
                guard bug.afterFlush else { return }
                try await product.flush()
                try await Task.sleep(for: MutantTests.load * tries)
            }
        }
        #expect(bug.rules.isSubset(of: verdict.rules), "\(verdict.rules): \(verdict.text)")
    }

    @Test(arguments: zip(CarelessWorker.Bug.allCases, [Violation.Rule.lost, .quarantine, .credit]))
    func aBugInTheWorkerIsCaught(_ bug: CarelessWorker.Bug, _ rule: Violation.Rule) async throws {
        var verdict: (rules: Set<Violation.Rule>, text: String) = ([], "")
        for tries in 1...3 where !verdict.rules.contains(rule) {
            verdict = try await SmallProduct.judge(seed: UInt64(tries), worker: .careless(bug)) { _ in
                try await Task.sleep(for: MutantTests.load * tries)
            }
        }
        #expect(verdict.rules.contains(rule), "\(verdict.rules): \(verdict.text)")
    }

    /// What a replica acknowledged, and nothing else, is there when it takes the place of its primary.
    @Test(arguments: [false, true])
    func aWaitThatIsIgnoredIsCaught(isIgnored: Bool) async throws {
        // In the place of WAIT a question of the same length, empty lines included, that waits for nobody and has a good answer.
        let ignored = Substitution(
            "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$3\r\n500\r\n",
            with: "*1\r\n$6\r\nDBSIZE\r\n" + String(repeating: "\r\n", count: 7)
        )
        let verdict = try await SmallProduct.judge(
            durability: .replicated,
            substituting: isIgnored ? [ignored] : [],
            patience: isIgnored ? .seconds(1) : .seconds(30)
        ) { product in
            try await Task.sleep(for: MutantTests.load)
            try await product.failOverToAReplicaThatLacks(isIgnored ? 20 : 1)
        }
        #expect(verdict.rules.contains(.lost) == isIgnored, "\(verdict.text)")
        if !isIgnored { #expect(verdict.rules == [], "\(verdict.text)") }
    }
}
