import Credentials
import Domain

/// Measures single steps of a request, without any I/O. `make bench-micro` builds it optimised and runs it.
@main
struct MicroBench {
    static func main() {
        let now = Timestamp.now()
        let seconds = Int(now.milliseconds / 1000)
        let user = UserID(uuid: UUIDv7(milliseconds: UInt64(now.milliseconds)))
        let session = SessionID(uuid: UUIDv7(milliseconds: UInt64(now.milliseconds)))

        let keys = TokenKeys(signing: .random())
        let rotating = TokenKeys(signing: .random(), others: [.random(), .random()])
        let signer = AccessTokenSigner(keys: keys)
        let verifier = AccessTokenVerifier(keys: keys)
        let token = signer.sign(user: user, session: session, role: .user)
        let lastKey = ServiceKey.random()
        rotating.replace(signing: .random(), others: [.random(), lastKey])
        let oldToken = AccessTokenSigner(keys: TokenKeys(signing: lastKey)).sign(user: user, session: session, role: .user)
        let rotatingVerifier = AccessTokenVerifier(keys: rotating)
        let refreshTokens = RefreshTokens(key: .random())
        let refreshToken = refreshTokens.issue(user: user, session: session).secretText
        let digester = CodeDigester(key: .random())

        let measurements =
            [
                Measurement("access token: verify") { try? verifier.verify(token, now: seconds) },
                Measurement("access token: verify, third of three keys") { try? rotatingVerifier.verify(oldToken, now: seconds) },
                Measurement("access token: sign") { signer.sign(user: user, session: session, role: .user, now: now) },
                Measurement("refresh token: read") { refreshTokens.read(refreshToken)?.digest },
                Measurement("refresh token: make the successor") {
                    refreshTokens.read(refreshToken).map { refreshTokens.successor(of: $0).sealed }
                },
                Measurement("hidden code: digest") { digester.digest(of: "SALE-2030") },
            ] + RedemptionSteps(user: user, session: session, token: token).measurements()
        precondition((try? verifier.verify(token, now: seconds))?.user == user, "a token that is not read measures nothing")
        precondition((try? rotatingVerifier.verify(oldToken, now: seconds))?.user == user)

        let width = measurements.map(\.name.count).max() ?? 0
        print("\(pad("operation", width))  \(pad("ns", 8, right: true))  \(pad("of all rounds", 16, right: true))")
        for item in measurements {
            let range = "\(Int(item.range.lowerBound)) to \(Int(item.range.upperBound))"
            print("\(pad(item.name, width))  \(pad("\(Int(item.nanoseconds))", 8, right: true))  \(pad(range, 16, right: true))")
        }
    }

    private static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.count))
        return right ? padding + text : text + padding
    }
}
