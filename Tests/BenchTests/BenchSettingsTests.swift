import ArgumentParser
import LoadGenerator
import Terminal
import Testing

@testable import redeem

@Suite struct BenchSettingsTests {
    private func settings(_ arguments: String...) throws -> BenchSettings {
        try BenchSettings(try BenchOptions.parse(arguments))
    }

    private func problem(_ arguments: String...) -> String {
        do {
            _ = try BenchSettings(try BenchOptions.parse(arguments))
            return ""
        } catch let error as UsageError {
            return error.description
        } catch {
            return "another error: \(error)"
        }
    }

    @Test func withoutFlagsEveryUserRedeemsOnceAtTwentyThousandASecond() throws {
        let settings = try settings("--local")
        #expect(settings.scenario == .redeem)
        #expect(settings.pace == .open(rate: 20_000, spacing: .constant))
        #expect(settings.users == 700_000)
        #expect(settings.stock == 700_000)
        #expect(settings.duration == .seconds(30))
        #expect(settings.connections == 64)
    }

    @Test func eachScenarioHasTheUsersItNeeds() throws {
        #expect(try settings("redeem", "--local", "--rate", "100", "--duration", "2s", "--warmup", "0s").users == 200)
        #expect(try settings("redeem", "--local", "--rate", "100000").users == 1_000_000)
        let storm = try settings("storm", "--local")
        #expect(storm.users == 50 * storm.stock)
        #expect(try settings("login", "--local").pace == .open(rate: 3, spacing: .constant))
        #expect(try settings("redeem", "--local", "--closed").pace == .closed)
        #expect(
            try settings("mixed", "--local", "--poisson", "--seed", "9").pace == .open(rate: 5_000, spacing: .poisson(seed: 9))
        )
        #expect(try settings("mixed", "--local", "--mix", "login=1,redeem=9").mix.description == "redeem=9,login=1")
    }

    @Test func wrongUseIsNamed() {
        #expect(problem() == "there is nothing to load\n  give --url http://host:port, or --local")
        #expect(problem("--local", "--url", "http://x").hasPrefix("--url and --local exclude each other"))
        #expect(problem("--local", "--rate", "0").hasPrefix("--rate 0 is out of range"))
        #expect(problem("--local", "--rate=-5").hasPrefix("--rate -5 is out of range"))
        #expect(problem("--local", "--rate", "nan").hasPrefix("--rate nan is out of range"))
        #expect(problem("--local", "--rate", "5", "--closed").hasPrefix("--closed has no rate, and --rate is 5"))
        #expect(problem("--local", "--duration", "30").hasPrefix("--duration '30' is not a time"))
        #expect(problem("--local", "--duration", "0s").hasPrefix("--duration '0s' is out of range"))
        #expect(problem("--local", "--warmup", "-1s").hasPrefix("--warmup '-1s' is not a time"))
        #expect(problem("--local", "--connections", "0").hasPrefix("--connections 0 is out of range"))
        #expect(problem("--local", "--threads", "65").hasPrefix("--threads 65 is out of range"))
        #expect(problem("--local", "--threads", "4", "--connections", "3").hasPrefix("--connections 3 is less than --threads 4"))
        #expect(problem("--local", "--tokens", "x").hasPrefix("--tokens is for --url"))
        #expect(problem("--url", "http://x", "--users", "5").hasPrefix("--users is for --local"))
        #expect(problem("--local", "--users", "0").hasPrefix("--users 0 is out of range"))
        #expect(problem("--local", "--mix", "redeem=1").hasPrefix("--mix is for the scenario mixed"))
        #expect(problem("--local", "--durability", "none").hasPrefix("--durability 'none' is not known"))
        #expect(problem("--local", "--fail-if", "p98>1ms").hasPrefix("--fail-if: 'p98' in 'p98>1ms' is not a metric"))
        #expect(problem("--url", "ftp://x").hasPrefix("--url is neither http nor https"))
        #expect(problem("--url", "http://x", "--insecure").hasPrefix("--insecure is for https, and there is no https URL"))
        #expect(problem("--local", "--ca", "/nowhere").hasPrefix("--ca is for https"))
        #expect(problem("--url", "https://x", "--ca", "/nowhere").hasPrefix("cannot read '/nowhere'"))
        #expect(problem("--url", "https://x", "--cacert", "/etc/hostname").hasPrefix("'/etc/hostname' has no certificate"))
        #expect(problem("--url", "https://x", "--ca", "/x", "-k").hasPrefix("--ca and --insecure exclude each other"))
        #expect(
            problem("--local", "--fail-if", "rate<0.9x").hasPrefix("--fail-if: 'rate<0.9x' is of a baseline, and there is none")
        )
        #expect(problem("--local", "--baseline", "/nowhere").hasPrefix("cannot read '/nowhere'\n  give --baseline"))
        #expect(problem("--local", "--baseline", "/etc/hostname").hasPrefix("'/etc/hostname' is no report of redeem bench"))
        #expect(problem("--url", "localhost:8080").hasPrefix("--url is not a URL"))
        #expect(problem("--url", "http://x/y").hasPrefix("--url has more than a host and a port"))
    }

    @Test func wrongMixesAreNamed() {
        #expect(problem("mixed", "--local", "--mix", "buy=1").hasPrefix("--mix: 'buy=1' is not a kind of request and its weight"))
        #expect(problem("mixed", "--local", "--mix", "redeem").hasPrefix("--mix: 'redeem' is not"))
        #expect(problem("mixed", "--local", "--mix", "redeem=x").hasPrefix("--mix: the weight 'x' of redeem is not"))
        #expect(problem("mixed", "--local", "--mix", "redeem=1,redeem=2").hasPrefix("--mix: redeem is there twice"))
        #expect(problem("mixed", "--local", "--mix", "redeem=0").hasPrefix("--mix 'redeem=0' has no weight above 0"))
        #expect(problem("mixed", "--local", "--mix", "").hasPrefix("--mix: '' is not"))
    }

    @Test(arguments: [("30s", 30.0), ("500ms", 0.5), ("2m", 120), ("1.5s", 1.5)])
    func timesAreReadAsPeopleWriteThem(_ text: String, _ seconds: Double) throws {
        #expect(try Duration(text: text, of: "--x", in: .zero ... .seconds(600)).seconds == seconds)
    }

    @Test func addressesAreReadAndWritten() throws {
        #expect(try HTTPAddress("http://127.0.0.1:8080", of: "--url").authority == "127.0.0.1:8080")
        #expect(try HTTPAddress("http://example.org/", of: "--url").description == "http://example.org:80")
        let six = try HTTPAddress("http://[::1]:90", of: "--url")
        #expect(six.host == "::1")
        #expect(six.description == "http://[::1]:90")
        let secure = try HTTPAddress("https://example.org", of: "--url")
        #expect(secure.isTLS)
        #expect(secure.description == "https://example.org:443")
    }
}
