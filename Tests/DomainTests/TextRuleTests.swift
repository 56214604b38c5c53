import Domain
import Testing

/// What a text from outside may be.
@Suite struct TextRuleTests {
    private func fault(_ text: String, _ rule: TextRule) -> TextFault? {
        do throws(TextFault) {
            _ = try rule.read(text)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("", TextFault.empty), ("  ", .blank), ("\u{3000}", .blank), (" A", .blankAtEdge), ("A\u{A0}", .blankAtEdge),
        ("A\u{3000}", .blankAtEdge), ("A\u{0}B", .control("\u{0}", position: 2)), ("A\tB", .control("\t", position: 2)),
        ("é\u{1B}[31m", .control("\u{1B}", position: 2)), ("A\u{9B}", .control("\u{9B}", position: 2)),
        ("A\r\n", .control("\r", position: 2)), ("A\u{2028}B", .control("\u{2028}", position: 2)),
        ("\u{FEFF}A", .control("\u{FEFF}", position: 1)), ("A\u{200B}", .invisible("\u{200B}", position: 2)),
        ("SUM\u{AD}MER", .invisible("\u{AD}", position: 4)), ("\u{202E}A", .invisible("\u{202E}", position: 1)),
        ("A\u{378}", .unassigned("\u{378}", position: 2)),
        (String(repeating: "x", count: 129), .tooLong(bytes: 129, most: 128)),
        (String(repeating: "\u{E9}", count: 65), .tooLong(bytes: 130, most: 128)),
    ])
    func aCodeMayNotBe(text: String, fault: TextFault) {
        #expect(self.fault(text, .hiddenCode) == fault)
    }

    @Test func aCodeIsKeptInItsNormalForm() throws {
        for (typed, kept) in [
            ("SALE 2030", "SALE 2030"), ("CAFE\u{301}", "CAF\u{C9}"), ("ＳＡＬＥ", "SALE"), ("👩‍👩‍👧", "👩‍👩‍👧"),
            ("\u{1F3F4}\u{E0067}\u{E007F}", "\u{1F3F4}\u{E0067}\u{E007F}"), ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            (String(repeating: "x", count: 128), String(repeating: "x", count: 128)),
        ] {
            #expect(try Array(TextRule.hiddenCode.read(typed).utf8) == Array(kept.utf8))
        }
    }

    @Test func aNameIsKeptAsItIs() throws {
        for name in [" Jo", "cafe\u{301}", "Jo\u{378}", String(repeating: "x", count: 200)] {
            #expect(try Array(TextRule.name.read(name).utf8) == Array(name.utf8))
        }
        #expect(fault("two\nlines", .name) == .control("\n", position: 4))
        #expect(fault(" ", .name) == .blank)
        #expect(fault(String(repeating: "x", count: 201), .name) == .tooLong(bytes: 201, most: 200))
    }

    /// NIST SP 800-63B counts code points, and what is counted is what is hashed.
    @Test func aPasswordHasEightCharactersOfItsNormalForm() throws {
        #expect(fault("1234567", .password) == .tooShort(characters: 7, least: 8))
        #expect(fault("123456e\u{301}", .password) == .tooShort(characters: 7, least: 8))
        #expect(try TextRule.password.read(" 123456 ") == " 123456 ")
        #expect(fault("        ", .password) == .blank)
    }

    @Test func faultsSayWhatIsWrongAndNothingOfASecret() {
        #expect(TextFault.control("\u{1B}", position: 3).words == "has the control character U+001B at position 3")
        #expect(TextFault.notUTF8(byte: 4).words == "is not UTF-8 (byte 4)")
        #expect(TextFault.tooLong(bytes: 9, most: 8).words == "has 9 bytes, and may have 8")
    }

    @Test(
        arguments: [
            ([0x41, 0xFF], 1), ([0xC3], 0), ([0x41, 0xC3, 0x28], 1), ([0xED, 0xA0, 0x80], 0), ([0xC0, 0x80], 0),
            ([0xE2, 0x82, 0xAC, 0xF5], 3),
        ] as [([UInt8], Int)]
    )
    func bytesThatAreNotUTF8AreFound(bytes: [UInt8], valid: Int) {
        #expect(UTF8Text.validPrefix(of: bytes) == valid)
        #expect(throws: TextFault.notUTF8(byte: valid + 1)) { try UTF8Text.string(bytes) }
    }

    @Test func onlyALeadingByteOrderMarkIsDropped() {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(Array(UTF8Text.withoutByteOrderMark(mark + [0x41])) == [0x41])
        #expect(Array(UTF8Text.withoutByteOrderMark(mark + mark)) == mark)
        #expect(Array(UTF8Text.withoutByteOrderMark([0x41] + mark)) == [0x41] + mark)
    }

    /// The short cut of redemptions agrees with the rule, for each byte at each place.
    @Test func whatIsPlainIsReadAsItIs() throws {
        for byte in UInt8.min...UInt8.max {
            for text in [[byte], [byte, 0x41], [0x41, byte], [0x41, byte, 0x42]] {
                let isPlain = text.withUnsafeBufferPointer { TextRule.hiddenCode.isPlain($0) }
                let read = try? TextRule.hiddenCode.read(utf8: text)
                #expect(isPlain == (read.map { Array($0.utf8) } == text && byte < 0x80), "\(text)")
            }
        }
        for count in [0, 128, 129] {
            let text = Array(repeating: UInt8(ascii: "x"), count: count)
            #expect(text.withUnsafeBufferPointer { TextRule.hiddenCode.isPlain($0) } == (count == 128))
        }
    }

    @Test(arguments: [
        (1_717_200_000_000, "2024-06-01T00:00:00Z"), (1_717_200_000_001, "2024-06-01T00:00:00.001Z"),
        (1_717_200_000_120, "2024-06-01T00:00:00.120Z"), (0, "1970-01-01T00:00:00Z"), (999, "1970-01-01T00:00:00.999Z"),
    ])
    func momentsKeepTheirMilliseconds(milliseconds: Int64, text: String) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(moment.text == text)
        #expect(Timestamp(rfc3339: text) == moment)
    }

    /// Another database may have such a moment, and its readers must see which one it is.
    @Test func momentsBeyondFourDigitsAreTold() {
        #expect(Timestamp(milliseconds: 253_402_300_799_999).text == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: 253_402_300_800_000).text == "10000-01-01T00:00:00Z")
        #expect(Timestamp(milliseconds: .max).text == "292278994-08-17T07:12:55.807Z")
    }
}
