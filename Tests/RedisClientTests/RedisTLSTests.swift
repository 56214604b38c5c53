import RedisClient
import LocalStack
import TestSupport
import Testing

@Suite(.enabled("this server was built without TLS", serverHasTLS)) struct RedisTLSTests {
    private func withTLS(
        _ extra: [String] = ["tls-auth-clients no"],
        _ body: (_ port: Int, _ folder: String, _ password: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try TestCertificates.make(in: folder)
            let port = try await freePort()
            let options = RedisOptions.forClient(
                [
                    "tls-port \(port)", "tls-cert-file \(folder)/server.crt", "tls-key-file \(folder)/server.key",
                    "tls-ca-cert-file \(folder)/ca.crt",
                ] + extra
            )
            try await withRedis(options) { redis in try await body(port, folder, redis.password) }
        }
    }

    private func loginFailure(
        _ url: String,
        within limit: Duration,
        _ adapt: (inout RedisConfiguration.TLS) -> Void
    ) async throws -> RedisError? {
        try await withClient(
            url,
            {
                $0.connectTimeout = limit
                adapt(&$0.tls)
            }
        ) { client in
            if let error = await client.connectFailure() { return error }
            let reply = try await client.send(["PING"])
            #expect(reply == .string("PONG"))
            return nil
        }
    }

    @Test func verifiesTheCertificateAndTheName() async throws {
        try await withTLS { port, folder, password in
            let byName = "rediss://:\(password)@localhost:\(port)"
            let byAddress = "rediss://:\(password)@127.0.0.1:\(port)"
            let authority: String? = "\(folder)/ca.crt"
            let cases: [(url: String, String?, RedisConfiguration.TLS.Verification, isTrusted: Bool)] = [
                (byName, authority, .full, true),
                (byAddress, authority, .full, false),
                (byAddress, authority, .withoutHostname, true),
                (byName, nil, .full, false),
                (byName, nil, .withoutHostname, false),
                (byName, nil, .none, true),
                (byName, "\(folder)/missing.crt", .full, false),
                // A client without TLS.
                ("redis://:\(password)@127.0.0.1:\(port)", nil, .full, false),
            ]
            for (url, authorityFile, verification, isTrusted) in cases {
                let failure = try await loginFailure(url, within: isTrusted ? .seconds(20) : .milliseconds(500)) {
                    $0.authorityFile = authorityFile
                    $0.verification = verification
                }
                #expect(failure?.code == (isTrusted ? nil : .notConnected), "\(verification) \(url) \(failure as Any)")
            }
        }
    }

    @Test func showsItsOwnCertificate() async throws {
        try await withTLS([]) { port, folder, password in
            for hasCertificate in [false, true] {
                let url = "rediss://:\(password)@localhost:\(port)"
                let failure = try await loginFailure(url, within: hasCertificate ? .seconds(20) : .milliseconds(500)) {
                    $0.authorityFile = "\(folder)/ca.crt"
                    $0.certificateFile = hasCertificate ? "\(folder)/client.crt" : nil
                    $0.keyFile = hasCertificate ? "\(folder)/client.key" : nil
                }
                #expect(failure?.code == (hasCertificate ? nil : .notConnected))
            }
        }
    }

    @Test func movesBigValues() async throws {
        try await withTLS { port, folder, password in
            let adapt = { (configuration: inout RedisConfiguration) in
                configuration.tls.authorityFile = "\(folder)/ca.crt"
                configuration.connectTimeout = .seconds(20)
            }
            try await withClient("rediss://:\(password)@localhost:\(port)", adapt) { client in
                try await client.connect()
                let big = String(repeating: "0123456789abcdef", count: 1 << 16)
                _ = try await client.send(["SET", "big", big], deadline: .seconds(20))
                #expect(try await client.send(["GET", "big"], deadline: .seconds(20)) == .string(big))
            }
        }
    }
}

/// Without a certificate a server does not start. One that cannot have TLS says so.
@Sendable private func serverHasTLS() async throws -> Bool {
    do {
        return try await withRedis(.forClient(["tls-port \(try await freePort())"])) { _ in true }
    } catch let error as LocalStackError {
        return !error.output.contains { $0.contains("Failed finding TLS support") }
    }
}
