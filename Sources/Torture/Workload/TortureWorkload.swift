internal import LoadGenerator
internal import NIOCore

/// The requests of clients to one server. `TortureWorld` chooses them; this writes them and reads the answers.
final class TortureWorkload: Workload {
    /// The kinds in the load generator's figures. The places are those that `write` returns.
    static let kinds = ["redeem", "login", "refresh", "revoke", "revoke all", "stock"].map { RequestKind($0, expected: []) }

    /// The tag of a request that is sent when no client has anything to ask.
    private static let idle = -1

    private let world: TortureWorld
    private let server: Int
    private let host: String

    init(_ world: TortureWorld, server: Int, host: String) {
        self.world = world
        self.server = server
        self.host = host
    }

    var supply: WorkloadSupply { world.isResolved ? .exhausted : .ready }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        guard let request = world.choose() else {
            write("GET", "/v1/coupons?limit=1", [], nil, to: &buffer)
            return WorkloadRequest(kind: 5, tag: TortureWorkload.idle)
        }
        let kind = write(request, to: &buffer)
        return WorkloadRequest(kind: kind, tag: world.begin(request.what, server: server))
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {
        guard request.tag != TortureWorkload.idle else { return }
        switch end {
        case .answer(let status, let code, let body):
            let code = code.map { String(decoding: $0, as: UTF8.self) }
            world.end(request.tag, .answer(status: status, code: code, members: TortureMembers(body)))
        case .failure(let failure): world.end(request.tag, .failure(failure.rawValue))
        }
    }

    /// - Returns: the place among `kinds`.
    private func write(_ request: TortureWorld.Request, to buffer: inout ByteBuffer) -> Int {
        let token = String(decoding: request.token, as: UTF8.self)
        let bearer = "Authorization: Bearer \(token)"
        switch request.what {
        case .redeem(let user, let coupon, let key, _):
            redeem(user, coupon, key, TortureWorld.code(coupon), request.byCode, bearer, &buffer)
            return 0
        case .guess(let user, let coupon, let key, _):
            redeem(user, coupon, key, "WRONG-\(coupon)", false, bearer, &buffer)
            return 0
        case .login(let user):
            let body = #"{"username":"\#(TortureWorld.username(user))","password":"\#(TortureWorld.password)"}"#
            write("POST", "/v1/auth/login", [address(user)], body, to: &buffer)
            return 1
        case .refresh:
            write("POST", "/v1/auth/refresh", [], #"{"refresh_token":"\#(token)"}"#, to: &buffer)
            return 2
        case .revoke:
            write("POST", "/v1/auth/logout", [bearer], nil, to: &buffer)
            return 3
        case .revokeAll(let user):
            write("DELETE", "/v1/admin/users/\(TortureWorld.username(user))/sessions", [bearer], nil, to: &buffer)
            return 4
        case .operate: preconditionFailure("operators do not ask servers")
        }
    }

    private func redeem(
        _ user: Int,
        _ coupon: Int,
        _ key: Int,
        _ code: String,
        _ byCode: Bool,
        _ bearer: String,
        _ buffer: inout ByteBuffer
    ) {
        let path = byCode ? "/v1/redemptions" : "/v1/coupons/\(TortureWorld.couponID(coupon))/redemptions"
        let fields = [bearer, "Idempotency-Key: \(world.seed)-\(key)", address(user)]
        write("POST", path, fields, #"{"code":"\#(code)"}"#, to: &buffer)
    }

    /// Each client has an address of its own, as behind a proxy.
    private func address(_ user: Int) -> String { "X-Forwarded-For: 10.\(user >> 16 & 255).\(user >> 8 & 255).\(user & 255)" }

    private func write(_ method: String, _ path: String, _ fields: [String], _ body: String?, to buffer: inout ByteBuffer) {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + fields
        if let body { lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] }
        buffer.writeString(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    }
}
