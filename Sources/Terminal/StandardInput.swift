internal import Domain
internal import Foundation

/// Reads text from standard input, which must be UTF-8. A byte order mark in front of it is not a part of the text.
package enum StandardInput {
    /// The most bytes of a line: far more than any text may have, so that an error can tell the length of a text that is too long.
    static let lineBytes = 1 << 20

    /// Reads the first line, without its end. `nil`: there is no input at all.
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
