import Foundation

/// A text file of this repository that people write.
struct SourceFile: Sendable {
    /// From the repository's root.
    let path: String
    let lines: [String]

    /// The last part of the path. Exceptions name files by it, so a file that moves to another folder keeps its own.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// What follows the last dot of the name; empty: nothing does.
    var kind: String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 1 ? String(parts[parts.count - 1]) : ""
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Folders with nothing that was written here by hand, or with what a run has left.
    private static let foreign: Set = [".git", ".redeem", ".swiftpm", "results", "__pycache__"]
    private static let kinds: Set = ["swift", "lua", "sql", "py", "sh", "md", "yml", "service", "conf", "h", ""]

    static func all() throws -> [SourceFile] {
        var files: [SourceFile] = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted() {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                let url = root.appending(path: path)
                guard !foreign.contains(name), !name.hasPrefix(".build") else { continue }
                if try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true {
                    folders.append(path)
                } else if let text = try? String(contentsOf: url, encoding: .utf8) {
                    let file = SourceFile(path: path, text: text)
                    if kinds.contains(file.kind) { files.append(file) }
                }
            }
        }
        return files
    }
}
