import Testing

@testable import Credentials

@Suite struct ScryptTests {
    /// RFC 7914, section 12.
    @Test(arguments: [
        (
            "", "", ScryptCost(logarithm: 4, blockSize: 1, parallelism: 1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", ScryptCost(logarithm: 10, blockSize: 8, parallelism: 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", ScryptCost(logarithm: 14, blockSize: 8, parallelism: 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func vectors(password: String, salt: String, cost: ScryptCost, hex: String) throws {
        let key = try #require(Scrypt.key(password: Array(password.utf8), salt: Array(salt.utf8), cost: cost, count: 64))
        #expect(key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == hex)
    }

    @Test func aHashIsReadBack() throws {
        let hash = try #require(PasswordHash(password: "sesame", cost: .least))
        #expect(hash.description.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
        let read = try #require(PasswordHash(hash.description))
        #expect(read == hash)
        #expect(read.matches("sesame") == true)
        #expect(read.matches("Sesame") == false)
        #expect(read.matches("") == false)
    }

    @Test(arguments: [
        "", "$", "$scrypt$", "$scrypt$ln=4,r=8,p=1$c2FsdA", "scrypt$ln=4,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$c2FsdA$AAAA", "$scrypt$ln=99,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=+4,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$r=8,ln=4,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$c2FsdA==$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$ln=4,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$$AAAAAAAAAAAAAAAAAAAAAA",
    ])
    func otherTextsAreRefused(text: String) {
        #expect(PasswordHash(text) == nil)
    }

    @Test func anUnknownUserIsCheckedInVain() async throws {
        let hasher = PasswordHasher(configuration: .least)
        let hash = try await hasher.hash("sesame")
        #expect(try await hasher.check("sesame", against: hash) == .right)
        #expect(try await hasher.check("wrong", against: hash) == .wrong)
        #expect(try await hasher.check("sesame", against: nil) == .wrong)
        #expect(try await hasher.check("sesame", against: "not a hash") == .wrong)
        await hasher.close()
        await #expect(throws: PasswordHasher.Failure.closed) { try await hasher.check("sesame", against: hash) }
    }

    @Test(arguments: [
        ScryptCost(logarithm: 5, blockSize: 8, parallelism: 1), ScryptCost(logarithm: 4, blockSize: 4, parallelism: 1),
        ScryptCost(logarithm: 4, blockSize: 8, parallelism: 2), ScryptCost(logarithm: 3, blockSize: 8, parallelism: 1),
    ])
    func aHashOfAnotherCostIsReplaced(cost: ScryptCost) async throws {
        let hasher = PasswordHasher(configuration: .least)
        let old = try #require(PasswordHash(password: "sesame", cost: cost)?.description)
        #expect(try await hasher.check("wrong", against: old) == .wrong)
        guard case .outdated(let replacement) = try await hasher.check("sesame", against: old) else {
            Issue.record("not outdated: \(old)")
            return
        }
        #expect(replacement.hasPrefix("$scrypt$ln=4,r=8,p=1$"))
        #expect(try await hasher.check("sesame", against: replacement) == .right)
        #expect(try await hasher.check("wrong", against: replacement) == .wrong)
        await hasher.close()
    }

    /// However `é` was typed it is one password; and a hash of what was typed before that was so is good once more.
    @Test func aPasswordIsTheSameInEachForm() async throws {
        let hasher = PasswordHasher(configuration: .least)
        let (one, two, wide) = ("caf\u{E9}-long", "cafe\u{301}-long", "ｃafé-long")
        for made in [one, two, wide] {
            let hash = try await hasher.hash(made)
            for typed in [one, two, wide] { #expect(try await hasher.check(typed, against: hash) == .right) }
            #expect(try await hasher.check("cafe-long", against: hash) == .wrong)
        }
        for typed in [two, wide] {
            let old = try #require(PasswordHash(password: typed, cost: .least)?.description)
            #expect(try await hasher.check(one, against: old) == .wrong)
            guard case .outdated(let replacement) = try await hasher.check(typed, against: old) else {
                Issue.record("not outdated")
                return
            }
            for typed in [one, two, wide] { #expect(try await hasher.check(typed, against: replacement) == .right) }
        }
        let old = try #require(PasswordHash(password: one, cost: .least)?.description)
        #expect(try await hasher.check(two, against: old) == .right)
        await hasher.close()
    }

    @Test func moreThanMayWaitAreRefused() async throws {
        var configuration = PasswordHasher.Configuration()
        configuration.cost = ScryptCost(logarithm: 14, blockSize: 8, parallelism: 1)
        configuration.threads = 1
        configuration.waiting = 2
        let hasher = PasswordHasher(configuration: configuration)
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    do throws(PasswordHasher.Failure) { return try await hasher.check("x", against: nil) == .right } catch {
                        return error == .overloaded
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect((1...9).contains(refused))
        #expect(try await hasher.check("x", against: nil) == .wrong)
        await hasher.close()
    }
}

extension PasswordHasher.Configuration {
    static var least: PasswordHasher.Configuration {
        var configuration = PasswordHasher.Configuration()
        configuration.cost = .least
        return configuration
    }
}
