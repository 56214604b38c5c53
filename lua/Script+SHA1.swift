import CLibCrypto

extension Script {
    /// SHA-1, which is no secret's guard here: it is the name under which Redis keeps a script.
    public static func sha1(of bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 20)
        var length: UInt32 = 0
        let succeeded = EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha1(), nil)
        // It fails only where OpenSSL has no SHA-1 at all, and then no script can be called.
        precondition(succeeded == 1 && length == 20, "OpenSSL has no SHA-1")
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }
}
