internal import Domain
internal import HotPath
internal import LoadGenerator
internal import NIOCore
internal import Persistence
internal import PostgresClient
internal import Terminal

/// The service that gets the load, and all that is known of it.
struct BenchTarget: Sendable {
    let api: HTTPAddress
    /// The address that it listens on.
    let address: SocketAddress
    let operations: HTTPAddress?
    let tls: TargetTLS?
    let coupon: CouponID
    let code: String
    var tokens = TokenLines([])
    var refreshTokens = TokenLines([])
    var logins = TokenLines([])
    var replay: Replay?
    /// The stores, for checks that the API alone cannot make; `nil` where their addresses are not known.
    var stores: BenchStores?
    /// The target's processes on this machine, by name.
    var processes: [(name: String, pid: Int32)] = []

    init(api: HTTPAddress, operations: HTTPAddress?, tls: TargetTLS? = nil, coupon: CouponID, code: String) throws {
        self.api = api
        self.operations = operations
        self.tls = tls
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
    /// Makes calls that are not load.
    var caller: TargetAPI { TargetAPI(address: api, tls: tls?.configuration) }
    var operationsCaller: TargetAPI? { operations.map { TargetAPI(address: $0, tls: tls?.configuration) } }

    /// The TLS of the API; `nil` for plain HTTP.
    func loadTLS() throws -> LoadTLS? { api.isTLS ? try tls?.load(host: api.host) : nil }

    /// Opens a connection and closes it.
    func reach() async throws {
        var plan = LoadPlan(address: address, pace: .closed, kinds: [RequestKind("none", expected: [])], duration: .seconds(1))
        plan.tls = try loadTLS()
        plan.connections = 1
        plan.limits.connectAttempts = 1
        do {
            try await LoadRun.open(plan) { _ in NoWorkload() }.close()
        } catch LoadError.cannotConnect(_, _, let error) {
            throw Unreachable("\(api) does not answer: \(error)", remedy: remedy)
        }
    }

    /// The remedy where no connection can be opened.
    var remedy: String {
        api.isTLS
            ? "is it running there, and with TLS? --ca names the file of who signed a certificate for \(api.host), --insecure takes any"
            : "is `redeem serve` running there?"
    }
}

/// A workload that sends nothing.
private final class NoWorkload: Workload {
    var supply: WorkloadSupply { .exhausted }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        preconditionFailure("a workload without requests is asked for one")
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}
}

/// The stores behind a target.
struct BenchStores: Sendable {
    let hotPath: HotPath
    let postgres: PostgresClient
}
