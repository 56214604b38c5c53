import Credentials
import ServiceLifecycle

/// Stops the threads that hash passwords, after all other services. It is the first service, since a group stops its first
/// service last.
struct PasswordService: Service {
    let hasher: PasswordHasher

    func run() async throws {
        // Cancellation of the group means a stop, too.
        do { try await gracefulShutdown() } catch {}
        await hasher.close()
    }
}
