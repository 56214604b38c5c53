package import ArgumentParser

extension AsyncParsableCommand {
    /// Runs a program whose root command this is: the one of its commands that the arguments name.
    package static func runAsProgram() async {
        do {
            try Arguments.check()
            let command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
        } catch {
            end(error)
        }
    }

    /// Ends the program as the library would, but hides arguments that it quotes: one in the wrong place may be a code or a password.
    private static func end(_ error: any Error) -> Never {
        let code = exitCode(for: error)
        guard !code.isSuccess, !(error is ExitCode) else { exit(withError: error) }
        let message = message(for: error)
        let isTooMuch = message.prefixMatch(of: #/(\d+ unexpected arguments:|Unexpected argument) '/#) != nil
        let shown =
            isTooMuch
            ? "there is a value too many; one with blanks in it needs quotes"
            : ArgumentSecrets.ofThisProcess.hidden(in: message)
        Output.note(fullMessage(for: error).replacing(message, with: shown, maxReplacements: 1))
        exit(withError: code)
    }
}
