extension Timestamp {
    /// RFC 3339 for people, `2030-06-01T10:00:00Z`: milliseconds only where there are some, so that what is read back is the same
    /// moment. A year beyond 9999 has five digits, as ISO 8601 allows and RFC 3339 does not.
    public var text: String {
        let date = CivilDate(self)
        let day = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        let clock = "\(padded(date.hour, 2)):\(padded(date.minute, 2)):\(padded(date.second, 2))"
        return "\(day)T\(clock)\(date.millisecond > 0 ? ".\(padded(date.millisecond, 3))" : "")Z"
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
