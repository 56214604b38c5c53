internal import Terminal

extension Output {
    /// Says that Redis follows this change by the control log.
    static func recorded() {
        note("recorded; it takes effect as soon as `redeem sync` has told Redis")
    }
}
