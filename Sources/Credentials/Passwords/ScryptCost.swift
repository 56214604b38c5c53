/// The work of one password hash.
public struct ScryptCost: Hashable, Sendable {
    /// N = 2 to this power.
    public let logarithm: Int
    /// r
    public let blockSize: Int
    /// p
    public let parallelism: Int

    /// The cost that OWASP's Password Storage Cheat Sheet asks for: N = 2^17, r = 8, p = 1; 128 MiB and about 0.3 s.
    public static let standard = ScryptCost(logarithm: 17, blockSize: 8, parallelism: 1)
    /// For tests, where a hash need not resist anybody.
    public static let least = ScryptCost(logarithm: 4, blockSize: 8, parallelism: 1)

    /// The most that a stored hash may ask for, so that a bad row cannot stall a thread or take all memory.
    static let largest = ScryptCost(logarithm: 20, blockSize: 16, parallelism: 16)
    static let largestMemoryBytes = 512 << 20

    public init(logarithm: Int, blockSize: Int, parallelism: Int) {
        self.logarithm = logarithm
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    var memoryBytes: Int { 128 * blockSize * ((1 << logarithm) + parallelism + 2) }

    var isAcceptable: Bool {
        (1...ScryptCost.largest.logarithm).contains(logarithm)
            && (1...ScryptCost.largest.blockSize).contains(blockSize)
            && (1...ScryptCost.largest.parallelism).contains(parallelism)
            && memoryBytes <= ScryptCost.largestMemoryBytes
    }
}
