import Domain
import Testing

@Suite struct UUIDv7Tests {
    @Test func textAndBack() throws {
        let text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"  // RFC 9562, appendix A.6
        let uuid = try #require(UUIDv7(text))
        #expect(uuid.description == text)
        #expect(uuid.milliseconds == 0x017F_22E2_79B0)
        #expect(UUIDv7(text.uppercased()) == uuid)
    }

    @Test(arguments: [
        "", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b0-7cc3-98c4-dc0c0c07398ff-",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-18c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2+79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c0739é",
    ])
    func whatIsNotOneIsRefused(_ text: String) {
        #expect(UUIDv7(text) == nil)
    }

    @Test func oneWrongCharacterIsEnough() throws {
        let text = Array("0192f1a0-7c3b-7def-8abc-0123456789aF".utf8)
        for place in text.indices {
            for byte in UInt8.min...UInt8.max {
                var other = text
                other[place] = byte
                let isDash = [8, 13, 18, 23].contains(place)
                let isDigit = "0123456789abcdefABCDEF".utf8.contains(byte)
                // Those of version and variant have a value.
                let isRight =
                    switch place {
                    case 14: byte == UInt8(ascii: "7")
                    case 19: "89abAB".utf8.contains(byte)
                    default: isDash ? byte == UInt8(ascii: "-") : isDigit
                    }
                let parsed = other.withUnsafeBufferPointer { UUIDv7(text: $0) }
                #expect((parsed != nil) == isRight, "\(byte) at \(place)")
                if let parsed { #expect(parsed.description == String(decoding: other, as: UTF8.self).lowercased()) }
            }
        }
    }

    @Test func freshOnesDiffer() {
        let ids = Set((0..<10_000).map { _ in UUIDv7(milliseconds: 1) })
        #expect(ids.count == 10_000)
        #expect(ids.allSatisfy { UUIDv7($0.description) == $0 && $0.milliseconds == 1 })
    }

    @Test func theTailIsAllButTheTime() throws {
        let tail = UUIDv7.Tail(high: .max, low: .max)
        #expect(tail.description == "7fff-bfff-ffffffffffff")
        #expect(UUIDv7.Tail(tail.description) == tail)
        #expect(UUIDv7(milliseconds: 5, tail: tail).tail == tail)
        let id = RedemptionID(outbox: StreamID(milliseconds: 1_700_000_000_000, sequence: 3), tail: tail)
        #expect(id.description == "018bcfe5-6800-7fff-bfff-ffffffffffff")
        #expect(UUIDv7.Tail("7fff-bfff") == nil)
    }

    /// As `base64 | tr +/ -_` writes the 16 bytes, without padding.
    @Test(arguments: [
        ("019abcde-f012-7000-8000-000000000000", "AZq83vAScACAAAAAAAAAAA"),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", "________f_-__________w"),
        ("00000000-0000-7000-8000-000000000001", "AAAAAAAAcACAAAAAAAAAAQ"),
    ])
    func isBytesAndBase64URL(text: String, base64URL: String) throws {
        let id = try #require(UUIDv7(text))
        #expect(id.base64URL == base64URL)
        #expect(UUIDv7(base64URL: base64URL.utf8) == id)
        #expect(UUIDv7(bytes: id.bytes) == id)
        #expect(id.tail.base64URL == base64URL.suffix(14))
        #expect(UUIDv7.Tail(base64URL: base64URL.utf8.suffix(14)) == id.tail)
        #expect(UUIDv7.milliseconds(base64URL: base64URL.utf8.prefix(8)) == id.milliseconds)
    }

    @Test(arguments: [
        "", "AZq83vAScACAAAAAAAAAA", "AZq83vAScACAAAAAAAAAAAA", "AZq83vAScACAAAAAAAAAA=", "AZq83vAScACAAAAAAAAAAB",
        "AZq83vASYACAAAAAAAAAAA", "AZq83vAScAAAAAAAAAAAAA", "AZq83vAS+ACAAAAAAAAAAA",
    ])
    func whatIsNoIDIsNotRead(_ base64URL: String) {
        #expect(UUIDv7(base64URL: base64URL.utf8) == nil)
        #expect(UUIDv7.Tail(base64URL: base64URL.utf8.suffix(14)) == nil || base64URL.utf8.count != 22)
    }

    @Test func everyIDIsItselfAgain() {
        for _ in 0..<1_000 {
            let id = UUIDv7(milliseconds: .random(in: 0..<1 << 48))
            #expect(UUIDv7(base64URL: id.base64URL.utf8) == id && UUIDv7(bytes: id.bytes) == id)
        }
        #expect(UUIDv7(bytes: [UInt8](repeating: 0, count: 16)) == nil)
    }
}
