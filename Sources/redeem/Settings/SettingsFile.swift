internal import Foundation
internal import Terminal

/// A file of `NAME=value` lines. Its errors name file and line, and never a value.
///
/// A line is a setting, a comment that begins with `#`, or blank; it ends with LF or CRLF. `export ` may stand before a name, and
/// blanks around name and value are no part of them. A value may be in quotes: within '…' everything is as it is, within "…" `\"`
/// and `\\` are a quote and a backslash. A byte order mark before the first line is dropped.
struct SettingsFile {
    /// A larger file is surely something else.
    static let limitBytes = 1 << 20

    private(set) var values: [String: String] = [:]

    init(path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path),
            let bytes = try? file.read(upToCount: SettingsFile.limitBytes + 1) ?? Data()
        else {
            throw UsageError(
                "cannot read the settings file '\(path)'",
                remedy: "give --config the path of a file of NAME=value lines"
            )
        }
        guard bytes.count <= SettingsFile.limitBytes else {
            throw UsageError(
                "the settings file '\(path)' has more than 1 MiB",
                remedy: "give --config a file of NAME=value lines"
            )
        }
        try self.init(bytes: Array(bytes), path: path)
    }

    init(bytes: [UInt8], path: String) throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        var lines: [String: Int] = [:]
        for (index, bytes) in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let place = "'\(path)', line \(index + 1)"
            guard let line = String(validating: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self) else {
                throw UsageError("\(place): it is not UTF-8", remedy: "save the file as UTF-8")
            }
            guard let (name, value) = try SettingsFile.setting(line, place) else { continue }
            if let fault = SettingNames.fault(of: name, value: value) {
                throw UsageError("\(place): \(fault.problem)", remedy: fault.remedy)
            }
            if let first = lines.updateValue(index + 1, forKey: name) {
                throw UsageError("\(place): \(name) is set in line \(first) already", remedy: "keep one of the two")
            }
            values[name] = value
        }
        try checkForMissingPrefixes(lines, path)
    }

    /// Finds settings without their prefix. Lines of other programs may be in the file, as in one that docker-compose or systemd
    /// reads too. So `LOG_LEVEL` is another program's if `REDEEM_LOG_LEVEL` is in the file as well. If not, a setting would be
    /// missing silently.
    private func checkForMissingPrefixes(_ lines: [String: Int], _ path: String) throws {
        for (name, line) in lines.sorted(by: { $0.value < $1.value }) {
            guard let setting = SettingNames.meant(by: name), values[setting] == nil else { continue }
            throw UsageError(
                "'\(path)', line \(line): \(name) is not read",
                remedy:
                    "write \(setting); if the line is another program's, keep it elsewhere, or set \(setting) in this file too"
            )
        }
    }

    /// The setting in a line; `nil` for a blank line or a comment.
    private static func setting(_ line: String, _ place: String) throws -> (name: String, value: String)? {
        let blanks = CharacterSet(charactersIn: " \t")
        var text = line.trimmingCharacters(in: blanks)
        if text.isEmpty || text.hasPrefix("#") { return nil }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\t" }) else {
            throw UsageError("\(place): it has a control character", remedy: "end lines with LF or CRLF, and take others away")
        }
        if let export = text.prefixMatch(of: /export[ \t]+/) { text = String(text[export.range.upperBound...]) }
        let name = text.prefix { $0 != "=" }.trimmingCharacters(in: blanks)
        guard text.contains("="), name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
            throw UsageError("\(place): it is not understood", remedy: "write NAME=value, or begin a comment with '#'")
        }
        let value = text[text.index(after: text.firstIndex(of: "=") ?? text.startIndex)...].trimmingCharacters(in: blanks)
        return (name, try unquoted(value, "\(place): the value of \(name)"))
    }

    private static func unquoted(_ value: String, _ what: String) throws -> String {
        guard let quote = value.first, quote == "\"" || quote == "'" else {
            guard value.firstMatch(of: /[ \t]#/) == nil else {
                throw UsageError(
                    "\(what) has a blank and a '#' in it",
                    remedy: "put a comment on a line of its own, or a value with ' #' in it between quotes"
                )
            }
            return value
        }
        var result = ""
        var rest = value.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                guard rest.isEmpty else {
                    throw UsageError("\(what) goes on behind its closing quote", remedy: "end the line there")
                }
                return result
            }
            if quote == "\"", character == "\\" {
                guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
                    throw UsageError("\(what) has a '\\' that is not understood", remedy: #"write \\ or \", or use '…'"#)
                }
                result.append(escaped)
            } else {
                result.append(character)
            }
        }
        throw UsageError("\(what) has no closing quote", remedy: "end it with \(quote)")
    }
}
