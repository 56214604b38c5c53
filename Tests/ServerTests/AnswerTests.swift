import Domain
import Foundation
import HotPath
import TestSupport
import Testing

@testable import Server

/// Every member of every answer in JSON, and its kind.
@Suite struct AnswerTests {
    private static let user: JSONShape = ["id": .id, "username": .text, "name": .text, "role": .text]
    private static let session: JSONShape = [
        "id": .id, "device": .text, "user_agent": .text, "address": .text, "created_at": .time, "last_used_at": .time,
        "expires_at": .time, "current": .flag,
    ]
    private static let redemption: [String: JSONShape] = [
        "id": .id, "coupon": .text, "price": .number, "redeemed_at": .time, "status": .text,
    ]

    private static func tokens(_ more: [String: JSONShape] = [:]) -> JSONShape {
        let members: [String: JSONShape] = [
            "access_token": .text, "token_type": .text, "expires_in": .number, "refresh_token": .text, "session": .id,
        ]
        return .object(members.merging(more) { $1 })
    }

    private static func coupon(left: JSONShape, starts: JSONShape, ends: JSONShape) -> JSONShape {
        [
            "id": .text, "name": .text, "price": .number, "total": .number, "left": left, "state": .text, "starts_at": starts,
            "ends_at": ends,
        ]
    }

    private func shape(_ server: RunningServer, _ path: String, _ token: String? = nil) async throws -> JSONShape {
        let answer = try await server.request("GET", path, token: token)
        #expect(answer.status == 200, "\(path): \(answer.body)")
        #expect(answer.headers["content-type"] == "application/json", "\(path)")
        #expect(answer.headers["cache-control"] == "no-store", "\(path)")
        #expect(answer.headers["content-length"] == "\(answer.body.utf8.count)", "\(path)")
        #expect(answer.headers["x-content-type-options"] == "nosniff", "\(path)")
        #expect(answer.headers["x-request-id"]?.isEmpty == false, "\(path)")
        return try JSONShape(of: answer.body)
    }

    @Test func ofTheSale() async throws {
        try await withServer { server in
            let moment = Timestamp(milliseconds: 1_000)
            try await server.addCoupon("a", code: "A")
            try await server.addCoupon("b", code: "B", startsAt: moment, endsAt: Timestamp(milliseconds: 4_000_000_000_000))
            let ada = try await server.addUser("ada")
            #expect(try await shape(server, "/v1/coupons/a") == Self.coupon(left: .null, starts: .null, ends: .null))

            try await server.environment.openShard()
            let (a, b) = (
                Self.coupon(left: .number, starts: .null, ends: .null), Self.coupon(left: .number, starts: .time, ends: .time)
            )
            #expect(try await shape(server, "/v1/coupons/b") == b)
            #expect(try await shape(server, "/v1/coupons") == ["coupons": [a, b], "next": .null])
            #expect(try await shape(server, "/v1/coupons?limit=1") == ["coupons": [a], "next": .text])
            #expect(try await shape(server, "/v1/coupons?after=b") == ["coupons": [], "next": .null])

            let token = try await server.token(of: ada)
            #expect(try await shape(server, "/v1/me/redemptions", token) == ["redemptions": [], "next": .null])
            var ids: [String] = []
            for (coupon, code) in [("a", "A"), ("b", "B")] {
                let redeemed = try await server.redeem(coupon, token: token, code: code)
                let promised = Self.redemption.merging(["durability": .text]) { $1 }
                #expect(try JSONShape(of: redeemed.body) == .object(promised))
                ids.append(try #require(try redeemed.object["id"] as? String))
                // The first is in Postgres then, the second in Redis only.
                if ids.count == 1 { try await server.land() }
            }
            let redemption = JSONShape.object(Self.redemption)
            for id in ids { #expect(try await shape(server, "/v1/redemptions/\(id)", token) == redemption) }
            #expect(
                try await shape(server, "/v1/me/redemptions", token) == ["redemptions": [redemption, redemption], "next": .null]
            )
            #expect(try await shape(server, "/v1/me/redemptions?limit=1", token) == ["redemptions": [redemption], "next": .id])
        }
    }

    @Test func ofLogins() async throws {
        try await withServer { server in
            try await server.addUser("ada")
            try await server.addUser("root", role: .admin)
            try await server.environment.openShard()
            let loggedIn = try await server.tryLogIn("ada", headers: ["User-Agent: Shop/1.0 (phone)"])
            #expect(try JSONShape(of: loggedIn.body) == Self.tokens(["user": Self.user]))
            #expect(try loggedIn.object["token_type"] as? String == "Bearer")
            let ada = try TestLogin(loggedIn)
            #expect(try JSONShape(of: try await server.refresh(ada.refresh).body) == Self.tokens())

            #expect(
                try await shape(server, "/v1/me", ada.access)
                    == ["user": Self.user, "credit": ["available": .number, "held": .number], "session": .id]
            )
            #expect(try await shape(server, "/v1/auth/sessions", ada.access) == ["sessions": [Self.session]])
            let root = try await server.logIn("root")
            #expect(try await shape(server, "/v1/admin/users/ada/sessions", root.access) == ["sessions": [Self.session]])

            let json = #"{"current_password":"\#(RunningServer.password)","new_password":"battery staple"}"#
            let changed = try await server.request("POST", "/v1/me/password", token: ada.access, json: json)
            #expect(try JSONShape(of: changed.body) == Self.tokens(["user": Self.user]))
            #expect(try await shape(server, "/v1/admin/users/ada/sessions", root.access) == ["sessions": [Self.session]])
        }
    }

    @Test func ofTheServiceItself() async throws {
        try await withServer { server in
            try await server.environment.openShard()
            #expect(
                try await shape(server, "/problems/sold_out")
                    == ["code": .text, "status": .number, "title": .text, "detail": .text]
            )
            #expect(try await shape(server, "/livez") == ["status": .text, "version": .text])
            #expect(try await shape(server, "/readyz") == ["status": .text])
            let check: JSONShape = ["name": .text, "status": .text]
            #expect(
                try await shape(server, "/readyz?verbose") == ["status": .text, "checks": [check, check, check, check]]
            )
            let got = try await server.request("GET", "/livez", headers: ["X-Request-Id: r"]).headers
            let head = try await server.withClient { client in
                let lines = "HEAD /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: r\r\nConnection: close\r\n\r\n"
                try await client.send(lines)
                return try await client.rest()
            }
            #expect(head.hasSuffix("\r\n\r\n"))
            for (name, value) in got where !["date", "connection"].contains(name) {
                #expect(head.lowercased().contains("\r\n\(name): \(value.lowercased())\r\n"), "\(name)")
            }
        }
    }
}

/// The text that models become.
@Suite struct AnswerEncoderTests {
    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try AnswerEncoder.encode(value), as: UTF8.self)
    }

    @Test func aCheckThatFails() throws {
        let checks = [
            StatusSampler.Check(name: "process", fault: nil), .init(name: "postgres", fault: "\"no\" / answer", isNeeded: false),
        ]
        #expect(
            try text(ReadinessView(checks: checks.map(ReadinessView.CheckView.init)))
                == #"{"checks":[{"name":"process","status":"ok"},"#
                + #"{"detail":"\"no\" / answer","name":"postgres","status":"degraded"}],"status":"ready"}"#
        )
    }

    /// The answer to a redemption is written by hand, for the hot route. It has what one that is asked for later has.
    @Test(arguments: Durability.allCases)
    func aRedemptionHasTheSameMembersAtOnceAndLater(durability: Durability) throws {
        let redemption = Redemption(
            id: RedemptionID("019bc0ab-2400-7a3b-8c4d-5e6f708192a3")!,
            user: UserID(uuid: UUIDv7(milliseconds: 1)),
            coupon: CouponID("tea")!,
            price: 30
        )
        let later = RedemptionView(redemption, durability == .ledger ? .confirmed : .held)
        var members = try JSONDecoder().decode([String: Member].self, from: try AnswerEncoder.encode(later))
        members["durability"] = .text(durability.rawValue)
        let atOnce = Data(RedemptionJSON.text(redemption, durability).utf8)
        #expect(try JSONDecoder().decode([String: Member].self, from: atOnce) == members)
    }

    private enum Member: Equatable, Decodable {
        case text(String)
        case number(Int)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            self = if let number = try? value.decode(Int.self) { .number(number) } else { .text(try value.decode(String.self)) }
        }
    }
}
