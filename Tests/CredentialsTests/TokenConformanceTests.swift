import Domain
import Foundation
import JWTKit
import Testing

@testable import Credentials

/// Our verifier beside JWTKit, which knows nothing of this code. Whatever we accept it accepts and reads alike; whatever it refuses
/// we refuse. That we refuse more is meant, and each time for a reason that is listed.
@Suite struct TokenConformanceTests {
    private static let old = ServiceKey(bytes: Array(100..<140))!
    private static let new = ServiceKey(bytes: Array(0..<32))!
    private static let keys = TokenKeys(signing: new, others: [old])
    private let verifier = AccessTokenVerifier(keys: keys)
    private let now = Int(Date().timeIntervalSince1970)
    private let user = UserID("01920000-0000-7000-8000-000000000001")!
    private let session = SessionID("01920000-0000-7000-8000-000000000002")!

    /// The same checks, by JWTKit's means.
    private struct Claims: JWTPayload, Hashable {
        let iss: IssuerClaim
        let aud: AudienceClaim
        let sub: SubjectClaim
        let sid: String
        let role: String
        let iat: IssuedAtClaim
        let exp: ExpirationClaim

        func verify(using _: some JWTAlgorithm) throws {
            try exp.verifyNotExpired()
            try aud.verifyIntendedAudience(includes: "redeem")
            guard iss.value == "redeem" else { throw JWTError.claimVerificationFailure(failedClaim: iss, reason: "issuer") }
            guard iat.value <= Date().addingTimeInterval(60), UserID(sub.value) != nil, SessionID(sid) != nil,
                Role(rawValue: role) != nil
            else { throw JWTError.generic(identifier: "claims", reason: "not ours") }
        }

        func hash(into hasher: inout Hasher) { hasher.combine(sid) }
    }

    private func jwtKit() async -> JWTKeyCollection {
        let collection = JWTKeyCollection()
        for key in [Self.new, Self.old] {
            await collection.add(
                hmac: HMACKey(from: key.bytes),
                digestAlgorithm: .sha256,
                kid: JWKIdentifier(string: TokenKey(key).id)
            )
        }
        return collection
    }

    private func payload(_ change: (String, String)? = nil, appending: String = "") -> String {
        var members = [
            ("iss", "\"redeem\""), ("aud", "\"redeem\""), ("sub", "\"\(user)\""), ("sid", "\"\(session)\""), ("role", "\"user\""),
            ("iat", "\(now)"), ("exp", "\(now + 300)"),
        ]
        if let change, let index = members.firstIndex(where: { $0.0 == change.0 }) { members[index].1 = change.1 }
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + appending + "}"
    }

    private func seal(_ header: String, _ payload: String, _ key: ServiceKey = new) -> String {
        AccessTokenSigner(keys: Self.keys).seal(
            Base64.encode(header.utf8) + "." + Base64.encode(payload.utf8),
            with: TokenKey(key)
        )
    }

    private func header(_ key: ServiceKey = new) -> String { #"{"alg":"HS256","kid":"\#(TokenKey(key).id)","typ":"at+jwt"}"# }

    private func ours(_ text: String) -> AccessToken? {
        do throws(AccessToken.Failure) { return try verifier.verify(text, now: now) } catch { return nil }
    }

    private func theirs(_ text: String, _ collection: JWTKeyCollection) async -> Claims? {
        do { return try await collection.verify(text, as: Claims.self) } catch { return nil }
    }

    @Test func tokensOfJWTKitAreRead() async throws {
        let collection = await jwtKit()
        let claims = Claims(
            iss: "redeem",
            aud: "redeem",
            sub: SubjectClaim(value: user.description),
            sid: session.description,
            role: "admin",
            iat: IssuedAtClaim(value: Date(timeIntervalSince1970: Double(now))),
            exp: ExpirationClaim(value: Date(timeIntervalSince1970: Double(now + 300)))
        )
        // Its header has another order of members, so only the payload and the signature are compared.
        let text = try await collection.sign(claims, kid: JWKIdentifier(string: TokenKey(Self.new).id))
        let parts = text.split(separator: ".").map(String.init)
        let payload = String(decoding: Base64.decode(parts[1].utf8) ?? [], as: UTF8.self)
        let token = try #require(ours(seal(header(), payload)))
        #expect(token.user == user && token.session == session && token.role == .admin)
        #expect(token.issuedAt == now && token.expiresAt == now + 300)
        let resealed = AccessTokenSigner(keys: Self.keys).seal("\(parts[0]).\(parts[1])", with: TokenKey(Self.new))
        #expect(resealed == text)
    }

    @Test func bothAgreeOnWhatIsGoodAndBad() async throws {
        let collection = await jwtKit()
        let good = [
            AccessTokenSigner(keys: Self.keys).sign(user: user, session: session, role: .admin),
            seal(header(), payload()), seal(header(Self.old), payload(), Self.old),
            seal(header(), payload(("iat", "\(now - 299)"))), seal(header(), payload(("iat", "\(now + 50)"))),
        ]
        for text in good {
            let token = try #require(ours(text))
            let claims = try #require(await theirs(text, collection), "\(text)")
            #expect(claims.sub.value == token.user.description && claims.sid == token.session.description)
            #expect(claims.role == token.role.rawValue)
            #expect(Int(claims.iat.value.timeIntervalSince1970) == token.issuedAt)
            #expect(Int(claims.exp.value.timeIntervalSince1970) == token.expiresAt)
        }
        let parts = good[1].split(separator: ".").map(String.init)
        let other = good[0].split(separator: ".").map(String.init)
        var bad = [
            "", ".", "..", "a.b.c", "é.é.é", parts[0], "\(parts[0]).\(parts[1])", "\(parts[0]).\(parts[1]).",
            "\(parts[0]).\(parts[2]).\(parts[1])", "\(parts[1]).\(parts[0]).\(parts[2])", "\(parts[0]).\(other[1]).\(parts[2])",
            "\(parts[0]).\(parts[1]).\(other[2])", good[1] + ".x", good[1] + "!", String(repeating: "A", count: 100_000),
            Base64.encode(#"{"alg":"none"}"#.utf8) + "." + parts[1] + ".",
            Base64.encode(#"{"alg":"none","kid":"\#(Self.keys.ids[0])","typ":"at+jwt"}"#.utf8) + "." + parts[1] + ".",
            // The one key's id over the other key's signature.
            seal(header(), payload(), Self.old), seal(header(Self.old), payload()),
            seal(header(), payload(), ServiceKey.random()),
        ]
        for change in [
            ("exp", "\(now - 1)"), ("exp", "\(now)"), ("iat", "\(now + 120)"), ("iss", "\"other\""), ("aud", "\"other\""),
            ("sub", "\"x\""), ("sid", "1"), ("role", "\"root\""), ("exp", "\"soon\""), ("iat", "null"), ("sub", "[]"),
        ] { bad.append(seal(header(), payload(change))) }
        for text in ["", "{}", "[]", "null", "{", payload() + "}", "x"] { bad.append(seal(header(), text)) }
        for text in bad {
            #expect(ours(text) == nil, "\(text.prefix(400))")
            #expect(await theirs(text, collection) == nil, "\(text.prefix(400))")
        }
    }

    @Test func mutationsThatJWTKitRefusesWeRefuse() async throws {
        let collection = await jwtKit()
        let text = Array(seal(header(), payload()).utf8)
        for place in text.indices {
            for change in [text[place] ^ 1, text[place] ^ 2, UInt8(ascii: "."), UInt8(ascii: "=")] where change != text[place] {
                var mutation = text
                mutation[place] = change
                let mutated = String(decoding: mutation, as: UTF8.self)
                #expect(ours(mutated) == nil)
                // The last character of a part has bits that no byte needs; a lax reader does not look at them.
                if await theirs(mutated, collection) != nil {
                    #expect(Base64.decode(mutated.split(separator: ".")[2].utf8) == nil)
                }
            }
            let cut = String(decoding: text[..<place], as: UTF8.self)
            #expect(ours(cut) == nil)
            #expect(await theirs(cut, collection) == nil)
        }
    }

    /// What JWTKit takes and we do not.
    @Test func whereWeAreStricter() async throws {
        let collection = await jwtKit()
        let id = Self.keys.ids[0]
        let reasons = [
            "another algorithm, over a signature of ours": seal(#"{"alg":"HS384","kid":"\#(id)","typ":"at+jwt"}"#, payload()),
            "one of another kind": seal(#"{"alg":"RS256","kid":"\#(id)","typ":"at+jwt"}"#, payload()),
            "a key that nobody has, over a signature of ours": seal(
                #"{"alg":"HS256","kid":"nobody","typ":"at+jwt"}"#,
                payload()
            ),
            "the members of the header in another order": seal(#"{"typ":"at+jwt","kid":"\#(id)","alg":"HS256"}"#, payload()),
            "spaces in the header": seal(#"{"alg": "HS256","kid":"\#(id)","typ":"at+jwt"}"#, payload()),
            "another type of token": seal(#"{"alg":"HS256","kid":"\#(id)","typ":"JWT"}"#, payload()),
            "no type of token": seal(#"{"alg":"HS256","kid":"\#(id)"}"#, payload()),
            "a member of the header that is not ours": seal(
                #"{"alg":"HS256","kid":"\#(id)","typ":"at+jwt","jku":"x"}"#,
                payload()
            ),
            "a claim that is not ours": seal(header(), payload(appending: #","scope":"all""#)),
            "an audience in a list": seal(header(), payload(("aud", #"["redeem"]"#))),
            "a moment that is no whole number": seal(header(), payload(("exp", "\(now + 300).5"))),
            "longer than ours are": seal(header(), payload(appending: String(repeating: " ", count: 1000))),
        ]
        for (reason, text) in reasons {
            #expect(ours(text) == nil, "\(reason)")
            #expect(await theirs(text, collection) != nil, "\(reason)")
        }
    }
}
