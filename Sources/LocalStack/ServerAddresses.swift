import FoundationEssentials

/// The addresses of a `redeem serve`, read from the line that it prints when it is ready: `ready http://… operations http://…`.
package struct ServerAddresses: Sendable {
    /// The URL of the API, and below it its port.
    package let api: String
    package let apiPort: Int
    /// The URL of the operations port.
    package let operations: String

    package init(readyLine: String) throws {
        let words = readyLine.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 4, let port = URLComponents(string: words[1])?.port else {
            throw LocalStackError(.startFailed, "`redeem serve` said '\(readyLine)', and not where it listens")
        }
        (api, apiPort, operations) = (words[1], port, words[3])
    }
}
