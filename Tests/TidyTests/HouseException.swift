/// What a rule finds and does not mean.
struct HouseException: Sendable {
    let rule: HouseRule
    /// The last part of its path.
    let file: String
    /// As many as are found. One more is a fault, and so is one less: then the exception is too wide.
    let count: Int
    let reason: String

    init(_ rule: HouseRule, _ file: String, count: Int = 1, _ reason: String) {
        self.rule = rule
        self.file = file
        self.count = count
        self.reason = reason
    }
}
