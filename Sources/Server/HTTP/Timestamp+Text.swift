import Domain

extension Timestamp {
    /// RFC 3339, in UTC, with milliseconds: `2026-01-31T23:59:59.999Z`.
    var rfc3339: String { String(capacity: Timestamp.rfc3339Bytes) { $0.write(self) } }

    static let rfc3339Bytes = 24

    /// IMF-fixdate of RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var httpDate: String {
        let date = CivilDate(inFourDigits: self)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return String(capacity: 29) { text in
            text.write("\(days[date.weekday]), ")
            text.write(date.day, width: 2)
            text.write(" \(months[date.month - 1]) ")
            text.write(date.year, width: 4)
            text.write(" ")
            text.writeClock(date)
            text.write(" GMT")
        }
    }
}

extension TextWriter {
    /// As `rfc3339` does.
    mutating func write(_ time: Timestamp) {
        let date = CivilDate(inFourDigits: time)
        write(date.year, width: 4)
        write("-")
        write(date.month, width: 2)
        write("-")
        write(date.day, width: 2)
        write("T")
        writeClock(date)
        write(".")
        write(date.millisecond, width: 3)
        write("Z")
    }

    fileprivate mutating func writeClock(_ date: CivilDate) {
        write(date.hour, width: 2)
        write(":")
        write(date.minute, width: 2)
        write(":")
        write(date.second, width: 2)
    }
}
