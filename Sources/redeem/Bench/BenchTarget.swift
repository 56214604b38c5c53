internal import Domain
internal import HotPath
internal import NIOCore
internal import NIOPosix
internal import Persistence

/// What is loaded, and all that is known of it.
struct BenchTarget: Sendable {
    let api: HTTPAddress
    /// Where it listens.
    let address: SocketAddress
    let operations: HTTPAddress?
    let coupon: CouponID
    let code: String
    var tokens = TokenLines([])
    var refreshTokens = TokenLines([])
    var logins = TokenLines([])
    var replay: Replay?
    /// For the checks that the API alone cannot make; `nil` where they are not known.
    var stores: BenchStores?
    /// The processes of a target on this machine, by name.
    var processes: [(name: String, pid: Int32)] = []

    init(api: HTTPAddress, operations: HTTPAddress?, coupon: CouponID, code: String) throws {
        self.api = api
        self.operations = operations
        self.coupon = coupon
        self.code = code
        do {
            address = try SocketAddress.makeAddressResolvingHost(api.host, port: api.port)
        } catch {
            throw Unreachable("the host of \(api) is not known: \(error)", remedy: "check --url")
        }
    }
}

extension BenchTarget {
    private static let connectTimeout = TimeAmount.seconds(5)

    /// Opens a connection and closes it.
    func reach() async throws {
        do {
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            try await bootstrap.connectTimeout(BenchTarget.connectTimeout).connect(to: address).get().close()
        } catch {
            throw Unreachable("\(api) does not answer: \(error)", remedy: "is `redeem serve` running there?")
        }
    }
}

/// The stores behind a target.
struct BenchStores: Sendable {
    let hotPath: HotPath
    let postgres: PostgresClient
}

/// A server that the command needs does not answer. Exit code 69.
struct Unreachable: Error, CustomStringConvertible {
    let problem: String
    let remedy: String

    init(_ problem: String, remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }

    var description: String { "\(problem)\n  \(remedy)" }
}
