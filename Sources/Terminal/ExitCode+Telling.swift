package import ArgumentParser
internal import Foundation

extension ExitCode {
    /// Says on stderr what ended a command.
    /// - Returns: a code of sysexits.h: 64 wrong use, 69 a server is out of reach, 1 anything else.
    package static func telling(_ error: any Error) -> ExitCode {
        if let code = error as? ExitCode { return code }
        Output.note("error: \(error)")
        if error is UsageError { return ExitCode(EX_USAGE) }
        if error is Unreachable { return ExitCode(EX_UNAVAILABLE) }
        return .failure
    }
}
