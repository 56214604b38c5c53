import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The HTTP API as a client sees it.
struct API: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: String

        /// The `code` of a problem.
        var code: String? { self["code"] as? String }

        subscript(_ name: String) -> Any? {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])?[name]
        }
    }

    let url: String
    let client: HTTPClient

    /// Runs the body with a client of at most so many connections.
    static func with<T: Sendable>(_ url: String, connections: Int = 8, _ body: (API) async throws -> T) async throws -> T {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // A server that has gone is an error at once, rather than after ten seconds.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(API(url: url, client: client))
            try await client.shutdown()
            return result
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    func send(
        _ method: HTTPMethod,
        _ path: String,
        token: String? = nil,
        body: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(30))
        let content = try await response.body.collect(upTo: 1 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, body: String(buffer: content))
    }

    func redeem(_ coupon: String = "sale", token: String, code: String = Product.code, key: String? = nil) async throws -> Answer
    {
        try await send(
            .POST,
            "/v1/coupons/\(coupon)/redemptions",
            token: token,
            body: #"{"code":"\#(code)"}"#,
            headers: key.map { [("Idempotency-Key", $0)] } ?? []
        )
    }

    /// What `/metrics` says of a series; `nil`: it does not tell it.
    func metric(_ series: String) async throws -> Double? {
        let line = try await send(.GET, "/metrics").body.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    func login(_ username: String, _ password: String) async throws -> String {
        let answer = try await send(.POST, "/v1/auth/login", body: #"{"username":"\#(username)","password":"\#(password)"}"#)
        guard let token = answer["access_token"] as? String else {
            throw RedeemProcess.Failure(description: "no token: \(answer.body)")
        }
        return token
    }
}
