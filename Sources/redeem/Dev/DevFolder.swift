internal import Foundation
internal import LocalStack
internal import Terminal

/// The folder that `redeem dev` keeps its state in, and the `env` file in it that other commands and a shell can read.
struct DevFolder: Sendable {
    let path: String

    var stack: String { path + "/stack" }
    var envFile: String { path + "/env" }

    init(_ path: String) throws {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Makes the folder, readable by its owner alone but passable by the account that the servers run as.
    func create() throws { _ = try opened() }

    private func opened() throws -> TrustedFolder {
        do {
            return try TrustedFolder(making: path, mode: 0o711)
        } catch {
            throw UsageError("\(error)", remedy: "give --dir a folder that can be written, and that is yours")
        }
    }

    /// The key that an earlier start has written, or a new one of 256 random bits.
    func key(_ variable: String) throws -> String {
        if let text = try opened().read("env") {
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

    /// Writes the file whole or not at all. Only its owner may read it.
    func write(_ values: [(name: String, value: String)]) throws {
        let text = values.map { "\($0.name)=\($0.value)\n" }.joined()
        do {
            try opened().write(text, to: "env")
        } catch let error as LocalStackError {
            throw Refusal("cannot write '\(envFile)': \(error)")
        }
    }
}
