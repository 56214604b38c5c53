internal import ArgumentParser

/// The flags of `redeem bench` as they were given. `BenchSettings` checks them.
struct BenchOptions: ParsableArguments {
    @Argument(help: "redeem, storm, repeat, refresh, login, mixed or replay.")
    var scenario = Scenario.redeem

    @Option(help: ArgumentHelp("The API to load, http://host:port or https://host:port.", valueName: "url"))
    var url: String?

    @Flag(help: "Load a private Redis, Postgres and server with users made for it, all of which are removed afterwards.")
    var local = false

    @Option(parsing: .unconditional, help: "Requests a second. (default: 20000; refresh and mixed 5000; login 3)")
    var rate: Double?

    @Option(parsing: .unconditional, help: "How long to measure. A sale ends earlier, when every user has redeemed.")
    var duration = "30s"

    @Option(parsing: .unconditional, help: "How long the load goes on before it is measured.")
    var warmup = "5s"

    @Option(parsing: .unconditional, help: "Open connections.")
    var connections = 64

    @Option(parsing: .unconditional, help: "Threads of the generator.")
    var threads = 1

    @Flag(help: "Let each connection send the next request when it has the last answer, as wrk does. This hides stalls.")
    var closed = false

    @Flag(help: "Start requests at random (Poisson) instead of evenly.")
    var poisson = false

    @Option(parsing: .unconditional, help: "A request without an answer for so long is given up; its outcome is unknown.")
    var timeout = "5s"

    @Option(help: "The same seed makes the same users ask in the same order at the same times.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Kinds of request of `mixed`. (default: redeem=60,refresh=10,browse=30)", valueName: "weights"))
    var mix: String?

    @Flag(inversion: .prefixedNo, help: "Send an Idempotency-Key with each redemption, as clients should.")
    var idempotencyKeys = true

    // With --url

    @Option(
        help: ArgumentHelp("Access tokens, one on each line, as `redeem seed --tokens` writes them.", valueName: "file"),
        completion: .file()
    )
    var tokens: String?

    @Option(help: ArgumentHelp("Refresh tokens, one on each line. The run uses them up.", valueName: "file"), completion: .file())
    var refreshTokens: String?

    @Option(
        help: ArgumentHelp("Usernames and passwords with a space between them, one pair on each line.", valueName: "file"),
        completion: .file()
    )
    var logins: String?

    @Option(help: "The coupon to redeem.")
    var coupon: String?

    @Option(help: "The coupon's hidden code.")
    var code: String?

    @Option(help: ArgumentHelp("The operations port, http://host:port, for outbox and lag.", valueName: "url"))
    var opsURL: String?

    @Option(
        name: [.customLong("ca"), .customLong("cacert")],
        help: ArgumentHelp(
            "Trust the certificates of this file (PEM) instead of the system's, for an https URL.",
            valueName: "file"
        ),
        completion: .file()
    )
    var authority: String?

    @Flag(name: [.customLong("insecure"), .customShort("k")], help: "Accept any certificate of an https URL.")
    var isInsecure = false

    // With --url, scenario replay

    @Option(
        help: ArgumentHelp(
            "Requests to replay, each once. A line is method, space, target; then, each behind a tab, a body and header fields.",
            valueName: "file"
        ),
        completion: .file()
    )
    var requests: String?

    @Option(
        help: ArgumentHelp(
            "A text that the body of each answer must have, or three digits for its status. (default: a status from 200 to 299)",
            valueName: "text"
        )
    )
    var expect: String?

    // With --local

    @Option(parsing: .unconditional, help: "Users to create. (default: as many as the run can ask)")
    var users: Int?

    @Option(
        parsing: .unconditional,
        help: "How often the coupon can be redeemed. (default: once for each user; in a storm for one of 50)"
    )
    var stock: Int?

    @Option(help: "local or relaxed.", completion: .list(["local", "relaxed"]))
    var durability: String?

    // The output

    @Option(help: ArgumentHelp("Write all figures as JSON; - for standard output.", valueName: "file"), completion: .file())
    var json: String?

    @Option(
        help: ArgumentHelp("Write a page with plots, one file that needs nothing else.", valueName: "file"),
        completion: .file()
    )
    var html: String?

    @Option(
        help: ArgumentHelp(
            "Exit with 99 if this holds, such as 'p99>20ms', 'rate<19000', 'errors>0.1%'; beside a baseline, 'p99>1.5x', "
                + "'rate<0.9x'. Can be given more than once.",
            valueName: "condition"
        )
    )
    var failIf: [String] = []

    @Option(
        help: ArgumentHelp(
            "Compare with an earlier run: the file that --json wrote of it, read before the load.",
            valueName: "file"
        ),
        completion: .file()
    )
    var baseline: String?
}
