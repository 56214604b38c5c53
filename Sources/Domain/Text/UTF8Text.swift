/// Bytes from outside that should be UTF-8.
public enum UTF8Text {
    /// The byte order mark that some programs put in front of a UTF-8 file. It is no part of the text.
    public static let byteOrderMark: Unicode.Scalar = "\u{FEFF}"
    private static let byteOrderMarkBytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    public static func string(_ bytes: some Collection<UInt8>) throws(TextFault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8(byte: validPrefix(of: bytes) + 1) }
        return text
    }

    /// The number of bytes at the beginning that are UTF-8.
    public static func validPrefix(of bytes: some Collection<UInt8>) -> Int {
        var decoder = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var count = 0
        while true {
            switch decoder.parseScalar(from: &rest) {
            case .valid(let scalar): count += scalar.count
            case .error, .emptyInput: return count
            }
        }
    }

    /// The bytes of a stream or a file without the mark at its beginning.
    public static func withoutByteOrderMark<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
        bytes.starts(with: byteOrderMarkBytes) ? bytes.dropFirst(byteOrderMarkBytes.count) : bytes[...]
    }
}
