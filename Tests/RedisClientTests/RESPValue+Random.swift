import NIOCore

@testable import RedisClient

extension RESPValue {
    private static let letters = "az09 \r\n$*:-é🎟"

    static func random(depth: Int, using generator: inout some RandomNumberGenerator) -> RESPValue {
        switch Int.random(in: 0..<(depth < ReplyReader.depthLimit ? 7 : 5), using: &generator) {
        case 0: .null
        case 1: .integer([0, 1, -1, .max, .min, .random(in: -1000...1000, using: &generator)].randomElement(using: &generator)!)
        case 2:
            .string(
                String((0..<Int.random(in: 0...40, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
            )
        case 3:
            .bytes(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0 ... .max, using: &generator) } + [
                    0xFF
                ]
            )
        case 4: .error("ERR \(UInt16.random(in: 0 ... .max, using: &generator))")
        default:
            .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in .random(depth: depth + 1, using: &generator) })
        }
    }
}
