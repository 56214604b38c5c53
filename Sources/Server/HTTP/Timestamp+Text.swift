import Domain

extension Timestamp {
    /// RFC 3339, in UTC, with milliseconds: `2026-01-31T23:59:59.999Z`.
    var rfc3339: String { String(capacity: Timestamp.rfc3339Bytes) { $0.write(self) } }

    static let rfc3339Bytes = 24

    /// IMF-fixdate of RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var httpDate: String {
        let date = CivilDate(seconds: CivilDate.clamped(milliseconds).floorDivided(by: 1000).quotient)
        let clock = [date.hour, date.minute, date.second].map { CivilDate.padded($0) }.joined(separator: ":")
        return "\(CivilDate.days[date.weekday]), \(CivilDate.padded(date.day)) \(CivilDate.months[date.month - 1]) "
            + "\(date.year) \(clock) GMT"
    }
}

/// A moment of the proleptic Gregorian calendar in UTC.
private struct CivilDate {
    static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The moment, or the first or last one of the years 1 to 9999 if it lies beyond: a year is written with four digits.
    static func clamped(_ milliseconds: Int64) -> Int64 { min(max(milliseconds, -62_135_596_800_000), 253_402_300_799_999) }

    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Sunday.
    let weekday: Int

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    init(seconds: Int64) {
        let (days, rest) = seconds.floorDivided(by: 86_400)
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shifted + 2) / 5 + 1)
        month = Int(shifted < 10 ? shifted + 3 : shifted - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        hour = Int(rest / 3600)
        minute = Int(rest % 3600 / 60)
        second = Int(rest % 60)
        weekday = Int((days + 4).floorDivided(by: 7).remainder)
    }

    static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension TextWriter {
    /// Writes the text of `rfc3339`.
    mutating func write(_ time: Timestamp) {
        let (seconds, millisecond) = CivilDate.clamped(time.milliseconds).floorDivided(by: 1000)
        let date = CivilDate(seconds: seconds)
        write(date.year, width: 4)
        write("-")
        write(date.month, width: 2)
        write("-")
        write(date.day, width: 2)
        write("T")
        write(date.hour, width: 2)
        write(":")
        write(date.minute, width: 2)
        write(":")
        write(date.second, width: 2)
        write(".")
        write(Int(millisecond), width: 3)
        write("Z")
    }
}

extension Int64 {
    /// The quotient rounded down, and the remainder, which is never negative.
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
