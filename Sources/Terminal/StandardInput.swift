internal import Domain
internal import Foundation

/// Text that is given by standard input: what it says is strict UTF-8, and a byte order mark in front of it is no part of it.
package enum StandardInput {
    /// Bytes of a line: far more than any text may have, so that what is too long is told with its length.
    static let lineBytes = 1 << 20

    /// The first line, without its end. `nil`: there is nothing at all.
    package static func line() throws -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < lineBytes {
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1, byte != UInt8(ascii: "\n") else {
                if bytes.isEmpty, count < 1 { return nil }
                break
            }
            bytes.append(byte)
        }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        do {
            return try UTF8Text.string(UTF8Text.withoutByteOrderMark(bytes))
        } catch {
            throw UsageError("standard input, line 1, \(error.words)", remedy: error.remedy)
        }
    }
}
