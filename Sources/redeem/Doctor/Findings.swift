internal import Domain
internal import Persistence
internal import Terminal

/// All that the doctor has seen.
struct Findings {
    struct Finding: Encodable {
        let subject: String
        let good: Bool
        let seen: String
        let remedy: String
    }

    /// How far clocks may differ. Redis's clock decides when a sale is open, a server's when a token has expired.
    static let clockToleranceMilliseconds: Int64 = 2_000

    private(set) var all: [Finding] = []

    mutating func add(_ subject: String, _ good: Bool, _ seen: String, _ remedy: String) {
        all.append(Finding(subject: subject, good: good, seen: seen, remedy: good ? "" : remedy))
    }

    /// Runs `value` as the process would, and adds a finding about its result. Returns the value, if there is one.
    @discardableResult
    mutating func check<Value>(_ subject: String, _ value: @autoclosure () throws -> Value, _ seen: (Value) -> String) -> Value? {
        do {
            let value = try value()
            add(subject, true, seen(value), "")
            return value
        } catch let error as UsageError {
            // Settings are read in groups, and some parts of a group are read alone too, so one fault may come twice.
            if !all.contains(where: { !$0.good && $0.seen == error.problem }) { add(subject, false, error.problem, error.remedy) }
        } catch let error as WrongServiceKey {
            add(subject, false, error.problem, error.remedy)
        } catch {
            add(subject, false, "\(error)", "")
        }
        return nil
    }

    mutating func clock(_ server: String, _ clock: Timestamp) {
        let difference = clock.milliseconds - Timestamp.now().milliseconds
        add(
            "clock of \(server)",
            abs(difference) <= Findings.clockToleranceMilliseconds,
            "\(difference) ms from this machine's",
            "set the clocks by NTP"
        )
    }

    func print() {
        for finding in all {
            Output.text("\(finding.good ? "good " : "WRONG")  \(finding.subject): \(finding.seen)")
            for line in finding.remedy.split(separator: "\n") { Output.text("       \(line)") }
        }
    }
}
