internal import ArgumentParser
internal import Domain
internal import Foundation

/// The arguments as the system gives them: bytes. Swift would silently put another character where they are not UTF-8.
enum Arguments {
    static func check() throws {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = CommandLine.unsafeArgv[index] else { break }
            let bytes = UnsafeBufferPointer(start: argument, count: strlen(argument)).map { UInt8(bitPattern: $0) }
            do {
                _ = try UTF8Text.string(bytes)
            } catch {
                throw ValidationError("argument \(index)\(place(index)) \(error.words)")
            }
        }
    }

    /// The flag that it belongs to. Not the argument itself, which may be a secret.
    private static func place(_ index: Int) -> String {
        guard let before = CommandLine.unsafeArgv[index - 1], index > 1 else { return "" }
        let flag = String(cString: before)
        return flag.hasPrefix("--") && !flag.contains("=") ? ", behind \(flag)," : ""
    }
}
