/// Random numbers that are the same for the same seed: SplitMix64 (Steele, Lea, Flood 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// Makes one of several independent sequences of a seed.
    public init(seed: UInt64, sequence: Int) {
        var mixer = SplitMix64(seed: seed &+ UInt64(sequence) &* 0xD134_2543_DE82_EF95)
        state = mixer.next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// A number above 0 and at most 1.
    mutating func fraction() -> Double { Double(next() >> 11 + 1) / Double(1 << 53) }
}
