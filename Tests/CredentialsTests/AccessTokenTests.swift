import Domain
import Testing

@testable import Credentials

@Suite struct AccessTokenTests {
    private static let keys = TokenKeys(signing: ServiceKey(bytes: Array(0..<32))!)
    private let signer = AccessTokenSigner(keys: keys, lifetimeSeconds: 300)
    private let verifier = AccessTokenVerifier(keys: keys)
    private let now = 1_800_000_000
    private let user = UserID("01920000-0000-7000-8000-000000000001")!
    private let session = SessionID("01920000-0000-7000-8000-000000000002")!

    private var token: AccessToken {
        AccessToken(user: user, session: session, role: .admin, issuedAt: now, expiresAt: now + 300)
    }

    /// A token with any payload under our key.
    private func sealed(_ payload: String, header: String? = nil) -> String {
        let key = Self.keys.signing
        let header = header ?? String(decoding: key.header, as: UTF8.self)
        return signer.seal(header + Base64.encode(payload.utf8), with: key)
    }

    private func failure(_ text: String) -> AccessToken.Failure? {
        do throws(AccessToken.Failure) {
            _ = try verifier.verify(text, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatWasSignedIsRead() throws {
        let text = signer.sign(user: user, session: session, role: .admin, now: Timestamp(milliseconds: Int64(now) * 1000 + 999))
        #expect(try verifier.verify(text, now: now) == token)
        #expect(text.utf8.count < AccessToken.bytes / 2)
    }

    /// Made with Python's hmac, json and base64, which know nothing of this code.
    @Test func aTokenMadeElsewhere() throws {
        let text =
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImZ3djkxSW10IiwidHlwIjoiYXQrand0In0."
            + "eyJpc3MiOiJyZWRlZW0iLCJhdWQiOiJyZWRlZW0iLCJzdWIiOiIwMTkyMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEi"
            + "LCJzaWQiOiIwMTkyMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDIiLCJyb2xlIjoiYWRtaW4iLCJpYXQiOjE4MDAwMDAw"
            + "MDAsImV4cCI6MTgwMDAwMDMwMH0"
            + ".3zLHCpRh6BDDzCiZqz82EnGILOgKMP2Xi3q05UvLym0"
        #expect(try verifier.verify(text, now: now) == token)
        #expect(signer.sign(token) == text)
    }

    @Test func times() throws {
        let text = signer.sign(token)
        #expect(try verifier.verify(text, now: now + 299) == token)
        #expect(throws: AccessToken.Failure.expired) { try verifier.verify(text, now: now + 300) }
        // Another server's clock may be ahead a little.
        #expect(try verifier.verify(text, now: now - 60) == token)
        #expect(throws: AccessToken.Failure.invalid) { try verifier.verify(text, now: now - 61) }
    }

    /// Each byte changed, left out, and doubled; and each cut.
    @Test func everyMutationIsInvalid() {
        let text = Array(signer.sign(token).utf8)
        for place in text.indices {
            var changed = text
            changed[place] ^= 1
            #expect(failure(String(decoding: changed, as: UTF8.self)) == .invalid)
            var shorter = text
            shorter.remove(at: place)
            #expect(failure(String(decoding: shorter, as: UTF8.self)) == .invalid)
            var longer = text
            longer.insert(text[place], at: place)
            #expect(failure(String(decoding: longer, as: UTF8.self)) == .invalid)
            #expect(failure(String(decoding: text[..<place], as: UTF8.self)) == .invalid)
        }
    }

    @Test func otherHeadersAreInvalidHoweverSigned() {
        let payload =
            #"{"iss":"redeem","aud":"redeem","sub":"\#(user)","sid":"\#(session)","role":"user","iat":\#(now),"exp":\#(now + 300)}"#
        #expect(failure(sealed(payload)) == nil)
        let kid = Self.keys.ids[0]
        for header in [
            #"{"alg":"none","kid":"\#(kid)","typ":"at+jwt"}"#, #"{"alg":"HS384","kid":"\#(kid)","typ":"at+jwt"}"#,
            #"{"alg":"RS256","kid":"\#(kid)","typ":"at+jwt"}"#, #"{"alg":"HS256","kid":"\#(kid)","typ":"JWT"}"#,
            #"{"typ":"at+jwt","kid":"\#(kid)","alg":"HS256"}"#, #"{"alg":"HS256"}"#, "{}", "",
            #"{"alg":"HS256","kid":"x","typ":"at+jwt"}"#, #"{"alg":"HS256","typ":"at+jwt"}"#,
            #"{"alg":"HS256","kid":"\#(kid)","typ":"at+jwt","jku":"https://example.com"}"#,
        ] {
            #expect(failure(sealed(payload, header: Base64.encode(header.utf8) + ".")) == .invalid, "\(header)")
        }
        let unsigned = Base64.encode(#"{"alg":"none"}"#.utf8) + "." + Base64.encode(payload.utf8) + "."
        #expect(failure(unsigned) == .invalid)
        let other = AccessTokenSigner(keys: TokenKeys(signing: .random())).sign(token)
        #expect(failure(other) == .invalid)
        let parts = signer.sign(token).split(separator: ".")
        #expect(failure("\(parts[0]).\(parts[2]).\(parts[1])") == .invalid)
    }

    @Test func otherPayloadsAreInvalidEvenUnderOurKey() {
        let user = #""sub":"\#(user)""#
        let session = #""sid":"\#(session)""#
        let parties = #""iss":"redeem","aud":"redeem""#
        let rest = #"\#(parties),"role":"user","iat":\#(now),"exp":\#(now + 300)"#
        #expect(failure(sealed("{\(user),\(session),\(rest)}")) == nil)
        #expect(failure(sealed("{\(rest), \(session), \(user)}")) == nil)
        for payload in [
            "", "{}", "[]", "null", "{\(user),\(rest)}", "{\(user),\(session)}", "{\(user),\(user),\(session),\(rest)}",
            "{\(user),\(session),\(rest),\"nbf\":1}", "{\(user),\(session),\(rest),\(user)}",
            "{\(user),\(session),\(rest)} x", "{\(user),\(session),\(rest),}",
            #"{"sub":"x",\#(session),\#(rest)}"#, #"{"sub":1,\#(session),\#(rest)}"#,
            #"{\#(parties),\#(user),\#(session),"role":"root","iat":\#(now),"exp":\#(now + 300)}"#,
            #"{\#(parties),\#(user),\#(session),"role":"user","iat":\#(now),"exp":1e99}"#,
            #"{\#(parties),\#(user),\#(session),"role":"user","iat":\#(now),"exp":"\#(now + 300)"}"#,
            #"{\#(parties),\#(user),\#(session),"role":"user","iat":-1,"exp":\#(now + 300)}"#,
            #"{\#(parties),\#(user),\#(session),"role":"user","iat":\#(now),"exp":99999999999999999999}"#,
        ] {
            #expect(failure(sealed(payload)) == .invalid, "\(payload)")
        }
    }

    @Test func otherIssuersAndAudiencesAreInvalid() throws {
        let ours = try #require(TokenParties(issuer: "https://redeem.example", audience: "shop"))
        let verifier = AccessTokenVerifier(keys: Self.keys, parties: ours)
        let text = AccessTokenSigner(keys: Self.keys, parties: ours).sign(token)
        #expect(try verifier.verify(text, now: now) == token)
        #expect(failure(text) == .invalid)
        for (issuer, audience) in [("https://redeem.example", "redeem"), ("redeem", "shop"), ("https://redeem.exampl", "shop")] {
            let other = try #require(TokenParties(issuer: issuer, audience: audience))
            let text = AccessTokenSigner(keys: Self.keys, parties: other).sign(token)
            #expect(throws: AccessToken.Failure.invalid) { try verifier.verify(text, now: now) }
        }
        for text in ["", "a b", "a\"", "a\\", "é", String(repeating: "a", count: 101)] {
            #expect(TokenParties(issuer: text, audience: "a") == nil)
            #expect(TokenParties(issuer: "a", audience: text) == nil)
        }
    }

    /// The three steps of a replacement, and what each server verifies meanwhile.
    @Test func keysAreReplaced() throws {
        let (old, new) = (ServiceKey.random(), ServiceKey.random())
        let keys = TokenKeys(signing: old)
        let signer = AccessTokenSigner(keys: keys)
        let verifier = AccessTokenVerifier(keys: keys)
        let first = signer.sign(token)
        let oldID = keys.ids[0]
        keys.replace(signing: old, others: [new])
        #expect(keys.ids[0] == oldID)
        #expect(try verifier.verify(first, now: now) == token)
        #expect(try verifier.verify(AccessTokenSigner(keys: TokenKeys(signing: new)).sign(token), now: now) == token)
        keys.replace(signing: new, others: [old])
        #expect(keys.ids[0] != oldID)
        let second = signer.sign(token)
        #expect(second != first)
        for text in [first, second] { #expect(try verifier.verify(text, now: now) == token) }
        keys.replace(signing: new, others: [])
        #expect(throws: AccessToken.Failure.invalid) { try verifier.verify(first, now: now) }
        #expect(try verifier.verify(second, now: now) == token)
    }

    @Test func hugeAndStrangeTextsAreInvalid() {
        let text = signer.sign(token)
        for other in [
            "", ".", "..", "...", "é.é.é", String(repeating: ".", count: 5000), text + String(repeating: "A", count: 2000),
            text + ".", "." + text, text + "\n", " " + text, text + "=",
        ] {
            #expect(failure(other) == .invalid)
        }
        #expect(failure(sealed(String(repeating: " ", count: 2000))) == .invalid)
    }
}
