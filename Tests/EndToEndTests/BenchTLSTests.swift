import Foundation
import Testing
import TestSupport

/// `redeem bench` against a Redeem behind TLS: its load, and its calls before and after.
@Suite(.serialized) struct BenchTLSTests {
    @Test func aServerBehindTLSIsLoadedAndChecked() async throws {
        try await Product.with { product in
            let sync = product.start("sync")
            let server = try await product.serve()
            _ = try await sync.logged("the shard is open")
            _ = try await product.seed(users: 200, stock: 100)
            try TestCertificates.make(in: product.folder)
            try await TLSFront.with(product.folder, to: server.api) { front in
                func load(_ url: String, _ more: String...) -> RedeemProcess {
                    let arguments = [
                        "bench", "--url", url, "--tokens", "\(product.folder)/tokens", "--coupon", "sale", "--code", Product.code,
                        "--rate", "200", "--warmup", "0s", "--duration", "5s",
                    ]
                    return RedeemProcess(arguments + more)
                }
                let authority = "\(product.folder)/ca.crt"
                let trusted = load(front.url, "--ca", authority, "--fail-if", "errors>0")
                #expect(await trusted.exitStatus() == 0, "\(trusted.output)")
                #expect(trusted.output.contains("201 100, 50.0 %"), "\(trusted.output)")
                #expect(
                    trusted.output.contains("credit and redemptions of users are as they were answered  (200 users looked up)")
                )
                let byAddress = front.url.replacing("localhost", with: "127.0.0.1")
                let insecure = load(byAddress, "--insecure")
                #expect(await insecure.exitStatus() == 0, "\(insecure.output)")

                let untrusted = load(front.url)
                #expect(await untrusted.exitStatus() == 69, "\(untrusted.output)")
                #expect(untrusted.output.contains("CERTIFICATE_VERIFY_FAILED"), "\(untrusted.output)")
                #expect(untrusted.output.contains("--ca names the file of who signed a certificate for localhost"))
                let wrongName = load(byAddress, "--ca", authority)
                #expect(await wrongName.exitStatus() == 69, "\(wrongName.output)")
                let plain = load(server.api.replacing("http:", with: "https:"), "--insecure")
                #expect(await plain.exitStatus() == 69, "\(plain.output)")
            }
        }
    }
}
