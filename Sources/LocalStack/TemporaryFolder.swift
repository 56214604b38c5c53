import Glibc
import Subprocess

/// Folders for servers that nobody needs afterwards. They are removed at the latest when this process and the servers in them
/// have ended, however they ended.
public actor TemporaryFolder {
    private static let shared = TemporaryFolder()

    /// Collects the names of folders until the pipe says that this process has gone, and then removes them.
    private static let script = """
        while read -r folder; do set -- "$@" "$folder"; done
        for folder; do
            for lock in "$folder/server.lock" "$folder"/*/server.lock; do
                [ ! -e "$lock" ] || flock -w 60 "$lock" true
            done
            rm -rf -- "$folder"
        done
        """

    private let folders = AsyncStream<Entry>.makeStream()
    private var janitor: Task<Void, Never>?

    private struct Entry: Sendable {
        let folder: String
        let written: CheckedContinuation<Void, Never>
    }

    /// A new, empty folder.
    public static func make() async throws -> String {
        var template = Array("/tmp/redeem-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServerFolder.unusable("/tmp") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The servers' user must be able to pass. Each server protects its own folder.
        guard chmod(folder, 0o711) == 0 else { throw ServerFolder.unusable(folder) }
        await shared.add(folder)
        return folder
    }

    /// Returns when the janitor knows the folder.
    private func add(_ folder: String) async {
        if janitor == nil { janitor = Task { [entries = folders.stream] in await TemporaryFolder.runJanitor(entries) } }
        await withCheckedContinuation { folders.continuation.yield(Entry(folder: folder, written: $0)) }
    }

    private static func runJanitor(_ entries: AsyncStream<Entry>) async {
        var options = PlatformOptions()
        options.createSession = true
        let configuration = Configuration(["sh", "-c", script], environment: .server, platformOptions: options)
        _ = try? await Subprocess.run(configuration, input: .inputWriter, output: .discarded, error: .discarded) { execution in
            for await entry in entries {
                _ = try? await execution.standardInputWriter.write(entry.folder + "\n")
                entry.written.resume()
            }
        }
        // Without a janitor folders stay behind, and nothing worse happens.
        for await entry in entries { entry.written.resume() }
    }
}
