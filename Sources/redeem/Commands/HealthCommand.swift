internal import ArgumentParser
internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import Server
internal import Terminal

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a running server whether it is ready. Exit code 0 if it is; 1 if it is not; 69 if it does not answer.",
        discussion: "For container health checks. Example: redeem health --url http://127.0.0.1:9090"
    )

    @Option(help: "Where the server listens. [REDEEM_HTTP_URL, default \(ServerConfiguration.defaultURL)]")
    var url: String?

    @Option(help: "How long to wait for the answer.")
    var timeoutMs = 2_000

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await withExitCodes {
            let settings = try await connection.settings(["http.url": url])
            let base = settings.reader.serverURL()
            guard base.hasPrefix("http://") || base.hasPrefix("https://") else {
                throw UsageError("REDEEM_HTTP_URL is not an http or https URL", remedy: "give --url http://HOST:PORT")
            }
            let timeout = TimeAmount.milliseconds(Int64(try Input.amount(timeoutMs, "--timeout-ms", least: 1)))
            let answer: (status: UInt, body: String)
            do {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: base + "/readyz?verbose"),
                    timeout: timeout
                )
                answer = (response.status.code, String(buffer: try await response.body.collect(upTo: 64 * 1024)))
            } catch {
                Output.note("error: \(Output.withoutLogin(base)) does not answer: \(error)\n  is `redeem serve` running there?")
                throw ExitCode(EX_UNAVAILABLE)
            }
            Output.text(answer.body)
            guard answer.status == 200 else { throw ExitCode.failure }
        }
    }
}
