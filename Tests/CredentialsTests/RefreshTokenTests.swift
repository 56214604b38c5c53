import Domain
import Testing

@testable import Credentials

@Suite struct RefreshTokenTests {
    private let tokens = RefreshTokens(key: ServiceKey(bytes: Array(0..<32))!)
    private let user = UserID(uuid: UUIDv7(milliseconds: 1))
    private let session = SessionID(uuid: UUIDv7(milliseconds: 2))

    @Test func aTokenIsReadAsItWasMade() throws {
        let token = tokens.issue(user: user, session: session)
        let read = try #require(tokens.read(token.secretText))
        #expect(read.user == user)
        #expect(read.session == session)
        #expect(read.secretText == token.secretText)
        #expect(read.digest == token.digest)
        #expect(token.secretText.utf8.count == RefreshToken.textBytes)
        #expect("\(token)" == "RefreshToken")
        #expect(tokens.issue(user: user, session: session).secretText != token.secretText)
    }

    /// Made-up tokens, changed ones and those under another key are none of ours, so they end nobody's session.
    @Test func nothingElseIsRead() {
        let token = tokens.issue(user: user, session: session)
        let text = Array(token.secretText.utf8)
        for place in text.indices {
            for mask in [UInt8(1), 2, 4, 0x20] {
                var changed = text
                changed[place] ^= mask
                #expect(tokens.read(String(decoding: changed, as: UTF8.self)) == nil)
            }
            #expect(tokens.read(String(decoding: text[..<place], as: UTF8.self)) == nil)
        }
        let other = RefreshTokens(key: ServiceKey(bytes: Array(1..<33))!).issue(user: user, session: session)
        for text in [
            "", "rt1_", "rt1_" + String(repeating: "A", count: 107), token.secretText + "A",
            "rt2_" + token.secretText.dropFirst(4), other.secretText, " " + token.secretText,
        ] {
            #expect(tokens.read(text) == nil)
        }
    }

    @Test func aSealIsOpenedWithTheTokenBeforeAndNoOther() throws {
        let first = tokens.issue(user: user, session: session)
        let (second, sealed) = tokens.successor(of: first)
        #expect(second.user == user)
        #expect(second.session == session)
        #expect(tokens.open(sealed, with: first)?.secretText == second.secretText)
        #expect(tokens.open(sealed, with: second)?.secretText != second.secretText)
        let secret = Array(try #require(Base64.decode(second.secretText.utf8.dropFirst(4)))[32..<64])
        #expect(Base64.decode(sealed.utf8) != secret)
        for text in ["", "x", sealed + "A", String(sealed.dropLast())] {
            #expect(tokens.open(text, with: first) == nil)
        }
    }
}
