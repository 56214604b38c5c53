import TestSupport
import Testing

@testable import Credentials

@Suite struct WerkzeugHashTests {
    private static let key32 = String(repeating: "0", count: 64)
    private static let key64 = String(repeating: "0", count: 128)

    @Test(arguments: WerkzeugHashes.all)
    func itsOwnPasswordIsRightAndToBeHashedAnew(example: WerkzeugHashes.Example) async throws {
        let hasher = PasswordHasher(configuration: .least)
        #expect(PasswordHasher.canCheck(example.stored))
        guard case .outdated(let replacement) = try await hasher.check(example.password, against: example.stored) else {
            Issue.record("not outdated")
            return
        }
        #expect(replacement.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
        #expect(try await hasher.check(example.password, against: replacement) == .right)
        #expect(try await hasher.check(example.password + "x", against: example.stored) == .wrong)
        #expect(try await hasher.check(String(example.password.dropFirst()) + "y", against: example.stored) == .wrong)
        await hasher.close()
    }

    /// Werkzeug hashes the bytes of the password as they are.
    @Test func anotherFormOfTheSameCharactersIsAnotherPassword() async throws {
        let hasher = PasswordHasher(configuration: .least)
        let example = try #require(WerkzeugHashes.all.first { $0.password == "cafe\u{301}" })
        #expect(try await hasher.check("caf\u{E9}", against: example.stored) == .wrong)
        await hasher.close()
    }

    /// RFC 7914, section 11, and RFC 6070's second case. A key of Werkzeug's is as long as the digest; the RFC's is longer.
    @Test func knownKeys() throws {
        let sha256 = try #require(
            PBKDF2.key(password: Array("passwd".utf8), salt: Array("salt".utf8), iterations: 1, hash: .sha256)
        )
        #expect(hex(sha256) == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")
        let sha1 = try #require(
            PBKDF2.key(password: Array("password".utf8), salt: Array("salt".utf8), iterations: 2, hash: .sha1)
        )
        #expect(hex(sha1) == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957")
    }

    @Test func whatIsLeftOutMeansWerkzeugsDefaults() throws {
        let (pbkdf2, scrypt) = (WerkzeugHashTests.key32, WerkzeugHashTests.key64)
        for (short, long) in [
            ("pbkdf2$s$\(pbkdf2)", "pbkdf2:sha256:1000000$s$\(pbkdf2)"),
            ("pbkdf2:sha256$s$\(pbkdf2)", "pbkdf2:sha256:1000000$s$\(pbkdf2)"),
            ("scrypt$s$\(scrypt)", "scrypt:32768:8:1$s$\(scrypt)"),
        ] {
            let hash = try #require(WerkzeugHash(short))
            #expect(hash == WerkzeugHash(long))
        }
    }

    @Test(arguments: [
        // What Werkzeug 2 still took: plain digests, and passwords in the clear.
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        "sha256$salt$\(key32)", "plain$$password", "5f4dcc3b5aa765d61d8327deb882cf99",
        // Of other programs.
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "pbkdf2_sha256$1000$salt$key", "!", "",
        // Neither this form nor that.
        "pbkdf2:sha256:1000$salt$\(key32)$", "pbkdf2:sha256:1000$salt", "pbkdf2:sha256:1000$$\(key32)",
        "pbkdf2:sha256:1000:1$salt$\(key32)", "pbkdf2:sha256:$salt$\(key32)", "pbkdf2:sha256:-1$salt$\(key32)",
        "pbkdf2:sha256:+1$salt$\(key32)", "pbkdf2:sha256:0$salt$\(key32)", "pbkdf2:md5:1000$salt$\(key32)",
        "pbkdf2:sha256:1000$salt$\(key64)", "pbkdf2:sha1:1000$salt$\(key32)", "pbkdf2:sha256:1000$salt$\(key32.dropLast())",
        "pbkdf2:sha256:1000$salt$\(key32.dropLast())A", "pbkdf2:sha256:1000$salt$\(key32.dropLast())x",
        "scrypt:32768:8:1$salt$\(key32)", "scrypt:32768:8$salt$\(key64)", "scrypt:15:8:1$salt$\(key64)",
        "scrypt:0:8:1$salt$\(key64)", "scrypt:1:8:1$salt$\(key64)", "scrypt:32768:0:1$salt$\(key64)",
        "pbkdf2:sha256:1000$\(String(repeating: "s", count: 129))$\(key32)",
        // More work or memory than a stored hash may ask for.
        "pbkdf2:sha256:4000001$salt$\(key32)", "pbkdf2:sha256:99999999999999999999$salt$\(key32)",
        "scrypt:2097152:8:1$salt$\(key64)", "scrypt:1048576:8:1$salt$\(key64)", "scrypt:9223372036854775808:8:1$salt$\(key64)",
        "scrypt:32768:8:17$salt$\(key64)",
    ])
    func otherTextsMatchNoPassword(text: String) async throws {
        #expect(!PasswordHasher.canCheck(text))
        let hasher = PasswordHasher(configuration: .least)
        for password in ["password", "", text] {
            #expect(try await hasher.check(password, against: text) == .wrong)
        }
        await hasher.close()
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
