import Domain

#if canImport(Glibc)
    import Glibc
#endif

/// The metrics that Prometheus clients have of their process, read from /proc at the time of the scrape; and the version.
package struct ProcessMetrics: Sendable {
    private let registry: PrometheusRegistry
    private let startSeconds = Double(Timestamp.now().milliseconds) / 1000

    package init(registry: PrometheusRegistry) {
        self.registry = registry
        registry.gauge(Metric.buildInfo.name, [("version", Version.current)]).set(1.0)
    }

    package func sample() {
        registry.gauge(Metric.processStart.name).set(startSeconds)
        var usage = rusage()
        if getrusage(RUSAGE_SELF.rawValue, &usage) == 0 {
            let seconds = usage.ru_utime.seconds + usage.ru_stime.seconds
            registry.fraction(Metric.processCPU.name).set(seconds)
        }
        if let pages = residentPages() {
            registry.gauge(Metric.processMemory.name).set(Double(pages) * Double(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let count = openFiles() { registry.gauge(Metric.processFiles.name).set(Double(count)) }
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 {
            registry.gauge(Metric.processFilesAllowed.name).set(Double(files.rlim_cur))
        }
    }

    private func residentPages() -> Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    private func openFiles() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = -3  // ".", "..", and the one that reads
        while readdir(directory) != nil { count += 1 }
        return count
    }
}

extension timeval {
    fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
