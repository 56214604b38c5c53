import Glibc

/// An address of IPv4 (4 bytes) or IPv6 (16).
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    /// `nil`: not an address in numbers. An IPv4 address that IPv6 carries (`::ffff:192.0.2.1`) is the IPv4 address.
    init?(_ text: String) {
        guard let bytes = IPAddress.parse(text, AF_INET, 4) ?? IPAddress.parse(text, AF_INET6, 16) else { return nil }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        self.bytes = bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
    init?(hop: Substring) {
        let text = hop.filter { $0 != " " && $0 != "\t" }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            self.init(String(text[text.index(after: text.startIndex)..<end]))
        } else if text.count(where: { $0 == ":" }) == 1 {
            self.init(String(text.prefix { $0 != ":" }))
        } else {
            self.init(text)
        }
    }

    private static func parse(_ text: String, _ family: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    /// The network that counts as one client. With IPv4 that is the address. With IPv6 it is the /64, since anyone who has one
    /// address there has all of them.
    var network: IPAddress { bytes.count == 4 ? self : IPAddress(bytes: bytes.prefix(8) + [UInt8](repeating: 0, count: 8)) }

    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The proxies whose `X-Forwarded-For` is believed.
public struct TrustedProxies: Sendable, Hashable {
    private struct Range: Hashable {
        let bytes: [UInt8]
        /// The number of leading bits that count.
        let bits: Int

        init?(_ text: Substring) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = IPAddress(String(parts[0])) else { return nil }
            bytes = address.bytes
            let most = bytes.count * 8
            guard parts.count == 2 else {
                bits = most
                return
            }
            guard let bits = Int(parts[1]), (0...most).contains(bits) else { return nil }
            self.bits = bits
        }

        func contains(_ address: IPAddress) -> Bool {
            guard address.bytes.count == bytes.count else { return false }
            return (0..<bits).allSatisfy { bit in
                (address.bytes[bit / 8] ^ bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
            }
        }
    }

    private let ranges: [Range]

    /// No proxy is trusted.
    public init() { ranges = [] }

    /// - Parameter text: addresses and networks, `10.0.0.0/8, ::1`, separated by commas. `nil`: one of them is neither.
    public init?(_ text: String) {
        var ranges: [Range] = []
        for part in text.split(separator: ",") {
            guard let range = Range(part.filter { $0 != " " }[...]) else { return nil }
            ranges.append(range)
        }
        self.ranges = ranges
    }

    /// The address of the client. That is the peer, unless the peer is a trusted proxy. Then it is the last address in
    /// `X-Forwarded-For` that is not a trusted proxy's. The field is read from its end, because anybody can write its beginning.
    /// - Parameters:
    ///   - peer: the other end of the connection.
    ///   - forwarded: the values of `X-Forwarded-For`, in order.
    func client(peer: String, forwarded: [String]) -> String {
        guard var client = IPAddress(peer) else { return peer }
        for hop in forwarded.flatMap({ $0.split(separator: ",") }).reversed() {
            guard ranges.contains(where: { $0.contains(client) }), let address = IPAddress(hop: hop) else {
                break
            }
            client = address
        }
        return client.description
    }
}
