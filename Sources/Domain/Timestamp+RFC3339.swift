extension Timestamp {
    /// The end of the year 9999, in milliseconds: a text has a year of four digits.
    private static let end: Int64 = 253_402_300_800_000

    /// Parses RFC 3339, `2030-06-01T10:00:00Z`, from 1970 to 9999. A fraction of a second is read to the millisecond. `nil`: the text is
    /// not such a moment. A leap second is not, nor is a day that its month does not have.
    public init?(rfc3339 text: String) {
        var reader = Reader(rest: Array(text.utf8)[...])
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), (1...12).contains(month),
            reader.skip("-"), let day = reader.number(2), (1...CivilDate.days(in: month, of: year)).contains(day),
            reader.skip("T") || reader.skip("t"), let hour = reader.number(2), hour < 24, reader.skip(":"),
            let minute = reader.number(2), minute < 60, reader.skip(":"), let second = reader.number(2), second < 60,
            let millisecond = reader.fraction(), let offset = reader.offset(), reader.rest.isEmpty
        else { return nil }
        let minutes = Int64(CivilDate.daysSince1970(year, month, day)) * 1440 + Int64(hour * 60 + minute - offset)
        let milliseconds = (minutes * 60 + Int64(second)) * 1000 + Int64(millisecond)
        guard (0..<Timestamp.end).contains(milliseconds) else { return nil }
        self.init(milliseconds: milliseconds)
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digit() -> Int? {
            guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            rest.removeFirst()
            return Int(byte - UInt8(ascii: "0"))
        }

        mutating func number(_ digits: Int) -> Int? {
            var number = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// Milliseconds; 0 where there is no fraction.
        mutating func fraction() -> Int? {
            guard skip(".") else { return 0 }
            guard let first = digit() else { return nil }
            var (milliseconds, worth) = (first * 100, 10)
            while let digit = digit() {
                milliseconds += digit * worth
                worth /= 10
            }
            return milliseconds
        }

        /// Minutes east of Greenwich.
        mutating func offset() -> Int? {
            if skip("Z") || skip("z") { return 0 }
            let sign = skip("+") ? 1 : skip("-") ? -1 : 0
            guard sign != 0, let hours = number(2), hours < 24, skip(":"), let minutes = number(2), minutes < 60 else {
                return nil
            }
            return sign * (hours * 60 + minutes)
        }
    }
}
