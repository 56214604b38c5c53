internal import RedisClient

/// The answer to one SCAN, HSCAN or the like.
struct ScanPage {
    let found: [RESPValue]
    /// The position of the next page; "0": this is the last page.
    let next: String

    /// - Parameter command: the name of the command, for an error.
    init(_ reply: RESPValue, of command: String) throws(RedisError) {
        guard let page = reply.array, page.count == 2, let next = page[0].string, let found = page[1].array else {
            throw RedisError.unexpected(reply, of: command)
        }
        self.found = found
        self.next = next
    }

    var names: [String] { found.compactMap(\.string) }

    /// The command SCAN for keys that begin with `prefix`.
    static func keys(_ position: String, _ prefix: some StringProtocol, count: Int) -> [String] {
        ["SCAN", position, "MATCH", "\(prefix)*", "COUNT", String(count)]
    }
}
