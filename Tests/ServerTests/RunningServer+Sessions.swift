import Foundation
import RedisClient
import Synchronization
import TestSupport

/// What a login gave.
struct TestLogin: Sendable {
    let access: String
    let refresh: String
    let session: String

    init(_ response: TestResponse) throws {
        guard response.status == 200, let access = try response.object["access_token"] as? String,
            let refresh = try response.object["refresh_token"] as? String, let session = try response.object["session"] as? String
        else { throw TestFailure("no tokens: \(response.status) \(response.body)") }
        (self.access, self.refresh, self.session) = (access, refresh, session)
    }
}

extension RunningServer {
    func tryLogIn(
        _ username: String,
        password: String = password,
        headers: [String] = []
    ) async throws -> TestResponse {
        let json = "{\"username\":\"\(username)\",\"password\":\"\(password)\"}"
        return try await request("POST", "/v1/auth/login", headers: headers, json: json)
    }

    func logIn(_ username: String, headers: [String] = []) async throws -> TestLogin {
        try TestLogin(try await tryLogIn(username, headers: headers))
    }

    func refresh(_ token: String) async throws -> TestResponse {
        try await request("POST", "/v1/auth/refresh", json: "{\"refresh_token\":\"\(token)\"}")
    }

    func form(_ path: String, _ body: String) async throws -> TestResponse {
        let headers = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(body.utf8.count)"]
        return try await withClient { client in
            try await client.send(TestClient.text("POST", path, headers: headers) + body)
            return try await client.response()
        }
    }

    /// Whether the login's access token is still good.
    func isAlive(_ login: TestLogin) async throws -> Bool {
        let response = try await request("GET", "/v1/me", token: login.access)
        guard response.status == 200 || response.code == "session_revoked" else { throw TestFailure(response.body) }
        return response.status == 200
    }
}

/// A moment that one task sets and others read.
final class Moment: Sendable {
    private let moment = Mutex<ContinuousClock.Instant?>(nil)

    var value: ContinuousClock.Instant? { moment.withLock { $0 } }

    func set() { moment.withLock { $0 = .now } }
}

/// The statuses that any number of tasks have seen.
final class Statuses: Sendable {
    private let statuses = Mutex<Set<Int>>([])

    var all: Set<Int> { statuses.withLock { $0 } }

    func add(_ status: Int) { statuses.withLock { _ = $0.insert(status) } }
}
