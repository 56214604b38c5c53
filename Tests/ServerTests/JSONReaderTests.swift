import Foundation
import TestSupport
import Testing

@testable import Domain
@testable import Server

@Suite struct JSONReaderTests {
    private func read(_ text: String) throws -> [String] { try read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8]) throws -> [String] {
        try bytes.withUnsafeBytes { try RequestFields.read($0, "code").map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test(arguments: [
        (#"{"code":"ABC"}"#, "ABC"),
        (" \t\r\n{ \"code\" : \"ABC\" } \n", "ABC"),
        (#"{"code":""}"#, ""),
        (#"{"c\u006fde":"ABC"}"#, "ABC"),
        (#"{"code":"\u0041\u00e9\u20AC\ud83d\ude00"}"#, "Aé€😀"),
        (#"{"code":"é€😀"}"#, "é€😀"),
        (#"{"code":"\"\\\/\b\f\n\r\t"}"#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#"{"code":"\u0000"}"#, "\0"),
        (#"{"other":[1,-2.5e+3,true,false,null,{"a":{}},[],""],"code":"ABC","x":0}"#, "ABC"),
        (#"{"other":1,"other":2,"code":"ABC"}"#, "ABC"),
    ])
    func accepted(text: String, code: String) throws {
        #expect(try read(text) == [code])
    }

    @Test(arguments: [
        "", " ", "{", "}", "{}x", "null", "[]", "\"code\"", "{\"code\"}", "{\"code\":}", "{\"code\":\"A\"", "{\"code\":\"A",
        "{\"code\":\"A\",}", "{,\"code\":\"A\"}", "{code:\"A\"}", "{'code':'A'}", "{\"code\":\"A\"}{}", "{\"code\":\"A\"} x",
        "{\"code\":\"\\x\"}", "{\"code\":\"\\u12\"}",
        "{\"code\":\"\\u12G4\"}", "{\"code\":\"\\ud800\"}", "{\"code\":\"\\udc00\"}",
        "{\"code\":\"\\ud800\\u0041\"}", "{\"code\":\"a\nb\"}", "{\"code\":\"a\u{1}b\"}", "{\"x\":01,\"code\":\"A\"}",
        "{\"x\":+1,\"code\":\"A\"}", "{\"x\":.5,\"code\":\"A\"}", "{\"x\":1.,\"code\":\"A\"}", "{\"x\":1e,\"code\":\"A\"}",
        "{\"x\":NaN,\"code\":\"A\"}", "{\"x\":truE,\"code\":\"A\"}", "{\"x\":-,\"code\":\"A\"}", "\u{FEFF}{\"code\":\"A\"}",
        "{\"code\":\"A\"}\0",
    ])
    func notJSON(text: String) {
        #expect { try read(text) } throws: { if case RequestFields.Failure.json = $0 { true } else { false } }
    }

    @Test func membersThatAreWrong() {
        #expect(throws: RequestFields.Failure.missing("code")) { try read("{}") }
        #expect(throws: RequestFields.Failure.missing("code")) { try read(#"{"Code":"A"}"#) }
        for value in ["1", "null", "true", "[]", "{}", "[\"A\"]"] {
            #expect(throws: RequestFields.Failure.notAString("code")) { try read("{\"code\":\(value)}") }
        }
        #expect(throws: RequestFields.Failure.twice("code")) { try read(#"{"code":"A","code":"A"}"#) }
        #expect(throws: RequestFields.Failure.twice("code")) { try read(#"{"code":"A","c\u006fde":"B"}"#) }
    }

    @Test func bytesThatAreNotUTF8() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
            let text = Array(#"{"code":""#.utf8) + bytes + Array("\"}".utf8)
            #expect(throws: RequestFields.Failure.json(.init(reason: .invalidUTF8, offset: 9))) { try read(text) }
        }
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> String {
            #"{"x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + #","code":"A"}"#
        }
        #expect(try read(nested(JSONReader.depth)) == ["A"])
        #expect(throws: (any Error).self) { try read(nested(JSONReader.depth + 1)) }
        #expect(throws: (any Error).self) { try read(#"{"x":"# + String(repeating: "[", count: 2000)) }
    }

    /// Random changes of valid texts are accepted, and read, just as Foundation does.
    @Test func agreesWithFoundation() throws {
        var random = SeededGenerator(seed: 42)
        let seeds = [
            #"{"code":"ABC-123"}"#, #"{"code":"\u00e9\ud83d\ude00\n","x":[1,2.5e3,{"y":null}],"z":true}"#,
            #"{ "a" : { "b" : [ "c" , -0.1E-2 ] } , "code" : "é€" }"#,
        ]
        let pieces = Array(#"{}[],:"\u0019aAeEn.-+ tfdg8"#.utf8) + [0xC3, 0xA9, 0x0A, 0x1F]
        var agreed = 0
        for round in 0..<60_000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0...Int(random.next() % 3) where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                let piece = pieces[Int(random.next() % UInt64(pieces.count))]
                switch random.next() % 3 {
                case 0: bytes[place] = piece
                case 1: bytes.insert(piece, at: place)
                default: bytes.remove(at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
            let object = isUTF8 ? try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] : nil
            let ours = try? read(bytes)
            if let code = object?["code"] as? String {
                // Foundation takes a name that is given twice, and a comma before a closing bracket.
                if ours == nil, text.ranges(of: "\"code\"").count != 1 || text.contains(/,\s*[}\]]/) { continue }
                #expect(ours == [code], "\(text)")
                agreed += 1
            } else {
                #expect(ours == nil, "\(text)")
            }
        }
        #expect(agreed > 5_000)
    }
}
