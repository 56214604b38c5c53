import Foundation
import Testing

@Suite struct TakenPortTests {
    /// What is wrong and what to do is all that it says: nothing of what stops in its wake.
    @Test func aPortThatIsTakenIsToldInOneMessage() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            _ = try await sync.logged("the shard is open")
            let first = try await product.serve()
            for (api, ops) in [(first.api, "0"), ("0", first.operations)] {
                func port(_ text: String) -> String { text.split(separator: ":").last.map(String.init) ?? text }
                let second = product.start(["serve", "--port", port(api), "--ops-port", port(ops)])
                #expect(await second.exitStatus() == 1)
                let lines = second.output.split(separator: "\n")
                #expect(lines.filter { $0.contains("error") }.count == 1, "\(second.output)")
                #expect(second.output.contains("Address already in use\n  choose another port"), "\(second.output)")
            }
        }
    }
}
