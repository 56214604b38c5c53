import Domain
import Hummingbird

/// The answer of `/livez`.
struct LivenessView: ResponseEncodable, Sendable {
    let status = "live"
    let version = Version.current
}
