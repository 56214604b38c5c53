extension Duration {
    /// Whole milliseconds of a limit, rounded up, and 1 at least: 0 turns a limit of Postgres off, and makes `poll` spin.
    var limitMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
