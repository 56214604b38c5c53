import Testing
import Torture

/// A suite that finds nothing is worth something only if it finds what is there: each of these bugs must break a promise, and
/// without any none may be broken.
@Suite(.serialized) struct MutantTests {
    private static let load: Duration = .milliseconds(1_250)

    @Test func withoutABugEveryPromiseIsKept() async throws {
        let verdict = try await SmallProduct.judge { product in
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
        let verdict = try await SmallProduct.judge(worker: .careless(bug)) { _ in
            try await Task.sleep(for: MutantTests.load)
        }
        #expect(verdict.rules.contains(rule), "\(verdict.rules): \(verdict.text)")
    }
}
