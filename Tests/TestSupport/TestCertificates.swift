import Foundation

/// A certificate authority, and certificates for `localhost` (not for 127.0.0.1) and for a client, as PEM files.
public enum TestCertificates {
    public static func make(in folder: String) throws {
        try openssl(in: folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-authority")
        for (name, extensions) in [("server", "subjectAltName=DNS:localhost"), ("client", "extendedKeyUsage=clientAuth")] {
            try extensions.write(toFile: "\(folder)/\(name).ext", atomically: true, encoding: .utf8)
            try openssl(in: folder, "req -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name)")
            try openssl(
                in: folder,
                "x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -out \(name).crt -days 2 -extfile \(name).ext"
            )
        }
        // The server may run as another user.
        for file in ["ca.crt", "server.crt", "server.key"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/\(file)")
        }
    }

    private static func openssl(in folder: String, _ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestFailure("openssl \(arguments)") }
    }
}
