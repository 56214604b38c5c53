import Testing

@testable import Server

/// What a server makes of where a request is from and what it calls itself.
@Suite struct ClientTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:1:2:3:4", "2001:db8::1:2:3:4", "2001:db8::"), ("::1", "::1", "::"),
    ])
    func addresses(text: String, address: String, network: String) throws {
        let read = try #require(IPAddress(text))
        #expect(read.description == address)
        #expect(read.network.description == network)
    }

    @Test(arguments: ["", "x", "192.0.2", "192.0.2.256", "1.2.3.4.5", ":::", "12345::", "192.0.2.1:80", "[::1]", "192.0.2.1 "])
    func noAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func onlyTheWordOfTrustedProxiesCounts() throws {
        let proxies = try #require(TrustedProxies("10.0.0.0/8, ::1,192.0.2.128/25"))
        for (peer, forwarded, client) in [
            // Not through a proxy of ours: what it says is its own invention.
            ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"), ("11.0.0.1", ["198.51.100.1"], "11.0.0.1"),
            ("192.0.2.127", ["198.51.100.1"], "192.0.2.127"),
            ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"), ("::1", ["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"), ("192.0.2.128", ["198.51.100.1"], "198.51.100.1"),
            // The client wrote the first ones itself.
            ("10.1.2.3", ["1.1.1.1, 2.2.2.2, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", ["1.1.1.1, 198.51.100.1,10.9.9.9", "10.8.8.8"], "198.51.100.1"),
            ("10.1.2.3", [], "10.1.2.3"), ("10.1.2.3", ["unknown"], "10.1.2.3"), ("10.1.2.3", ["x, 10.4.4.4"], "10.4.4.4"),
            ("", ["198.51.100.1"], ""),
            ("10.1.2.3", ["198.51.100.1:5678"], "198.51.100.1"), ("10.1.2.3", ["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.1.2.3", ["2001:db8::1, [::1]"], "2001:db8::1"), ("10.1.2.3", ["[x"], "10.1.2.3"),
        ] {
            #expect(proxies.client(peer: peer, forwarded: forwarded) == client, "\(peer) \(forwarded)")
        }
        #expect(TrustedProxies().client(peer: "10.1.2.3", forwarded: ["198.51.100.1"]) == "10.1.2.3")
        for text in ["x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "10.0.0.0/8/8"] {
            #expect(TrustedProxies(text) == nil)
        }
    }

    @Test(arguments: [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
            "Edge on Windows"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1",
            "Safari on iPhone"
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android"
        ),
        ("curl/7.88.1", "curl"), ("Shop/2.1 (build 7)", "Shop"), ("", "unknown"), ("/1", "unknown"),
    ])
    func devices(userAgent: String, label: String) {
        #expect(DeviceLabel.label(userAgent: userAgent) == label)
    }

    @Test func forms() throws {
        let form = try FormFields(Array("token=a%2Bb+c&hint=&x&%74wo=%C3%A9".utf8))
        #expect(form["token"] == "a+b c")
        #expect(form["hint"] == nil)
        #expect(form["x"] == nil)
        #expect(form["two"] == "é")
        #expect(try FormFields([])["token"] == nil)
        for (text, failure) in [
            ("token=%", FormFields.Failure.malformed), ("token=%4", .malformed), ("token=%zz", .malformed),
            ("token=%ff", .malformed),
            ("token=a&token=a", .twice("token")), ("a=1&&b=2&a=3", .twice("a")),
        ] {
            #expect(throws: failure) { try FormFields(Array(text.utf8)) }
        }
    }
}
