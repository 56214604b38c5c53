/// A rule of the house that text alone shows to be kept or broken.
enum HouseRule: String, CaseIterable, Sendable {
    case lineLength = "lines are not too long"
    case fileName = "files are named after what they declare"
    case wholeSwitch = "a switch over our own enum lists every case"
    case plainWords = "words that a newcomer understands at first reading"
    case noRegistry = "no host of a package registry"
    case noMachine = "no absolute path of one machine"
    case noSleep = "tests wait for a signal, not for an amount of time"
    case noSQL = "SQL is in Persistence"

    struct Finding: Equatable, Sendable, CustomStringConvertible {
        let rule: HouseRule
        let file: String
        /// From 1.
        let line: Int
        let text: String

        var fileName: String { String(file.split(separator: "/").last ?? "") }
        var description: String { "\(file):\(line): \(rule.rawValue): \(text)" }
    }

    func findings(in file: SourceFile) -> [Finding] {
        let places =
            switch self {
            case .lineLength: longLines(file)
            case .fileName: file.kind == "swift" ? FileName(file).misnamed : []
            case .wholeSwitch: file.kind == "swift" ? SwitchScan(file).defaults : []
            case .plainWords: HouseRule.lines(of: file, like: ["hoever", "anew", "is none"], HouseRule.oddWords)
            case .noRegistry: HouseRule.lines(of: file, like: HouseRule.registries)
            case .noMachine:
                HouseRule.lines(of: file, like: HouseRule.machineFolders, HouseRule.machinePath)
            case .noSQL:
                HouseRule.knowsNoSQL(file.path) ? HouseRule.lines(of: file, like: HouseRule.statements, HouseRule.statement) : []
            case .noSleep: file.path.hasPrefix("Tests/") ? HouseRule.lines(of: file, like: ["Task.sleep(", "usleep("]) : []
            }
        return places.map { Finding(rule: self, file: file.path, line: $0 + 1, text: file.lines[$0]) }
    }

    /// The formatter keeps the code of Swift within 130, and leaves comments and texts alone. Prose has the width of a page.
    private func longLines(_ file: SourceFile) -> [Int] {
        guard file.kind == "md" else {
            return file.lines.indices.filter { index in
                let line = file.lines[index]
                return line.count > 140 && (file.kind != "swift" || line.drop { $0 == " " }.hasPrefix("//"))
            }
        }
        var isCode = false
        return file.lines.indices.filter { index in
            let line = file.lines[index]
            if line.hasPrefix("```") { isCode.toggle() }
            // A table's row, an entry behind an anchor and a long address cannot be broken.
            return !isCode && line.count > 170 && !line.hasPrefix("|") && !line.hasPrefix("<a id=") && !line.contains("](http")
        }
    }

    /// Sources, but for where SQL belongs. `PostgresClient` speaks of connections and settings, never of tables.
    private static func knowsNoSQL(_ path: String) -> Bool {
        path.hasPrefix("Sources/") && path.hasSuffix(".swift")
            && !["Sources/Persistence/", "Sources/PostgresClient/"].contains { path.hasPrefix($0) }
    }

    private static let statements = ["select ", "insert into ", "update ", "delete from ", "truncate "]
    nonisolated(unsafe) private static let statement =
        #/(^\s*|")(select (?!on )[\w(*\\'$]|insert into \w|update \w+ set|delete from \w|truncate \w)/#
    nonisolated(unsafe) private static let oddWords = #/(?i)\bwhoever\b|\banew\b|\bwhat\b[^.:;,]{1,60}\bis none\b/#
    private static let registries = [
        "pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com", "crates.io", "proxy.golang.org", "rubygems.org", "maven.org",
    ]
    private static let machineFolders = ["/root", "/home", "/Users", "/work", "/mnt", "/media"]
    nonisolated(unsafe) private static let machinePath =
        #/(^|[^\w.~$}\/-])\/(root|home|Users|work|workspace|mnt|media)(\/|\b)(?!:)/#

    /// Lines with one of the words, and with the pattern where there is one. A pattern is much slower.
    private static func lines(of file: SourceFile, like words: [String], _ pattern: Regex<some Any>? = Regex<Substring>?.none)
        -> [Int]
    {
        file.lines.indices.filter { index in
            let line = file.lines[index]
            return words.contains { line.contains($0) } && (pattern.map { line.contains($0) } ?? true)
        }
    }
}
