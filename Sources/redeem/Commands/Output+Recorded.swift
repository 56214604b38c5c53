internal import Terminal

extension Output {
    /// Behind what Redis follows by the control log.
    static func recorded() {
        note("recorded; it takes effect as soon as `redeem sync` has told Redis")
    }
}
