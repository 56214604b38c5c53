internal import AsyncHTTPClient
internal import Domain
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Terminal

/// The few calls that are not load: the stock that is left, a user's redemptions, the metrics.
struct TargetAPI: Sendable {
    struct Stock: Decodable, Sendable {
        let price: Int
        let total: Int
        /// `nil` if the shard is closed.
        let left: Int?
    }

    struct Redemptions: Decodable, Sendable {
        struct Item: Decodable, Sendable {
            let coupon: String
        }

        let redemptions: [Item]
    }

    struct Me: Decodable, Sendable {
        struct Credit: Decodable, Sendable {
            let available: Int
            let held: Int
        }

        let credit: Credit
    }

    private static let timeout = TimeAmount.seconds(5)
    private static let bodyBytes = 4 << 20

    let address: HTTPAddress
    let tls: TLSConfiguration?

    func stock(of coupon: CouponID) async throws -> Stock { try await get("/v1/coupons/\(coupon)") }

    func redemptions(token: String) async throws -> Redemptions { try await get("/v1/me/redemptions?limit=200", token: token) }

    func me(token: String) async throws -> Me { try await get("/v1/me", token: token) }

    func metrics() async throws -> String { String(buffer: try await body("/metrics")) }

    private func get<Answer: Decodable>(_ path: String, token: String? = nil) async throws -> Answer {
        let body = try await body(path, token: token)
        return try JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView))
    }

    private func body(_ path: String, token: String? = nil) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: "\(address)\(path)")
        request.tlsConfiguration = tls
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let response: HTTPClientResponse
        do {
            response = try await HTTPClient.shared.execute(request, timeout: TargetAPI.timeout)
        } catch {
            throw Unreachable("\(address) does not answer: \(error)", remedy: "is `redeem serve` running there?")
        }
        let body = try await response.body.collect(upTo: TargetAPI.bodyBytes)
        guard response.status.code == 200 else {
            throw Refusal("GET \(path) of \(address) answers \(response.status.code): \(String(buffer: body).prefix(300))")
        }
        return body
    }
}
