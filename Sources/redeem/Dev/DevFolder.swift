internal import Foundation

/// The folder that `redeem dev` keeps its state in, and the `env` file in it that other commands and a shell can read.
struct DevFolder: Sendable {
    let path: String

    var stack: String { path + "/stack" }
    var envFile: String { path + "/env" }

    init(_ path: String) throws {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Makes the folder, readable by its owner alone but passable by the account that the servers run as.
    func create() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o711]
            )
        } catch {
            throw UsageError(
                "cannot make the folder '\(path)': \(error.localizedDescription)",
                remedy: "give --dir a folder that can be written"
            )
        }
    }

    /// A key of an earlier start, or a new one of 256 random bits.
    func key(_ variable: String) -> String {
        if let text = try? String(contentsOfFile: envFile, encoding: .utf8) {
            for line in text.split(separator: "\n") where line.hasPrefix(variable + "=") {
                return String(line.dropFirst(variable.count + 1))
            }
        }
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let word: UInt64 = generator.next()
            return String(repeating: "0", count: word.leadingZeroBitCount / 4) + (word == 0 ? "" : String(word, radix: 16))
        }.joined()
    }

    /// Written whole or not at all, for its owner's eyes.
    func write(_ values: [(name: String, value: String)]) throws {
        let text = values.map { "\($0.name)=\($0.value)\n" }.joined()
        let temporary = envFile + ".new"
        guard FileManager.default.createFile(atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else {
            throw UsageError("cannot write '\(temporary)'", remedy: "give --dir a folder that can be written")
        }
        guard rename(temporary, envFile) == 0 else {
            throw Refusal("cannot write '\(envFile)': \(String(cString: strerror(errno)))")
        }
    }
}
