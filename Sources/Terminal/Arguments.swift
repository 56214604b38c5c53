internal import ArgumentParser
internal import Domain
internal import Foundation

/// Checks that the arguments are UTF-8. The system gives bytes, and Swift would silently replace those that are not.
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

    /// Names an argument by the flag before it, since the argument itself may be a secret.
    private static func place(_ index: Int) -> String {
        guard let before = CommandLine.unsafeArgv[index - 1], index > 1 else { return "" }
        let flag = String(cString: before)
        return flag.hasPrefix("--") && !flag.contains("=") ? ", behind \(flag)," : ""
    }
}
