internal import ArgumentParser
internal import Domain
internal import Terminal
internal import Torture

@main
struct RedeemTorture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redeem-torture",
        abstract: "Break a private Redeem in every way there is, under load, and check that nothing was lost.",
        discussion: """
            Starts Redis with a replica and a Sentinel, Postgres, two servers and two sync workers, with a proxy on each link \
            between them, and sends redemptions, retries, logins, refreshes, log-outs, and operators' commands. Faults come one \
            after the other, now and then two at once, with calm between them. At the end everything is healed and drained, \
            requests without an answer are sent again with the same key, and a checker compares the answers to each client with \
            both stores:

              accepted ⊆ Postgres ⊆ accepted ∪ unknown, and nothing refused is stored
              the same key has the same answer
              one redemption a user and coupon, no coupon beyond its total
              credit is conserved
              nothing is redeemed under a session after its end was confirmed
              a refresh token has one successor
              the cursor never goes back
              `redeem reconcile` holds

            Each fault must prove that it took place. A fault that a mode does not promise to survive (FLUSHALL under local) may \
            lose what Postgres did not have yet, and nothing else.

            Faults:
            \(TortureOptions.faultLines)

            Examples:
              redeem-torture --minutes 30 --seed 7
              redeem-torture --once                           each fault once, in less than a minute
              redeem-torture --faults 'redis-*,aof-*' --mode relaxed
              redeem-torture --faults '^sync-stop' --json torture.json

            At the end it removes all that it started. Ctrl-C ends the load early; the checks follow. \
            Exit code 0 if every promise was kept; 1 if one was broken; 64 for wrong use; 69 if a server does not start.
            """,
        version: Version.current
    )

    @OptionGroup var options: TortureOptions

    static func main() async { await runAsProgram() }

    func run() async throws {
        let holds: Bool
        do { holds = try await options.run() } catch { throw ExitCode.telling(error) }
        guard holds else { throw ExitCode.failure }
    }
}
