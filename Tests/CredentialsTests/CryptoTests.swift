import Testing

@testable import Credentials

@Suite struct CryptoTests {
    /// FIPS 180-4's example, and RFC 4231's cases 1, 2 and 6 (a key longer than a block).
    @Test func knownDigests() {
        #expect(SHA256.digest(of: "abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let cases: [([UInt8], String, String)] = [
            (
                [UInt8](repeating: 0x0B, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
        for (key, text, hex) in cases { #expect(HMACSHA256(key: key).authenticate(Array(text.utf8)).hex == hex) }
    }

    @Test func base64HasOneTextForAValue() throws {
        for count in 0..<70 {
            let bytes = SecureRandom.bytes(count)
            for alphabet in [Base64.Alphabet.url, .standard] {
                let text = Base64.encode(bytes, alphabet: alphabet)
                #expect(Base64.decode(text.utf8, alphabet: alphabet) == bytes)
            }
        }
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64.encode([0xFB, 0xFF]) == "-_8")
        // One character over, padding, the other alphabet, white space, bits left over.
        for text in ["A", "AAAAA", "AA==", "+/8", "A A", "AA\n", "AB", "AAB", "Zm9vYmFyé"] {
            #expect(Base64.decode(text.utf8) == nil, "\(text)")
        }
    }

    @Test func keysAreLongEnoughAndTellNothing() throws {
        #expect(ServiceKey("c2hvcnQ") == nil)
        #expect(ServiceKey(bytes: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(ServiceKey("not base64url!") == nil)
        let key = ServiceKey.random()
        #expect(ServiceKey(key.secretText) == key)
        #expect("\(key)" == "ServiceKey")
        #expect(String(reflecting: key) == "ServiceKey")
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains("bytes"))
    }
}
