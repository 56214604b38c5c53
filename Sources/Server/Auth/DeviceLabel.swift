/// A name by which a person recognizes the device of a session, such as "Firefox on Linux" or "curl". It is made from the
/// `User-Agent`, in which a client writes what it likes, so it is for the list of sessions only.
enum DeviceLabel {
    /// More particular names come first, because nearly all browsers also claim to be others.
    private static let browsers = [
        ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ]
    private static let systems = [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    ]
    /// The greatest length of a label.
    private static let characters = 40

    static func label(userAgent: String) -> String {
        let browser = browsers.first { userAgent.contains($0.0) }?.1
        let system = systems.first { userAgent.contains($0.0) }?.1
        switch (browser, system) {
        case (let browser?, let system?): return "\(browser) on \(system)"
        case (let browser?, nil): return browser
        case (nil, _):
            // The first product (RFC 9110, section 10.1.5), without its version.
            let product = userAgent.prefix { $0 != "/" && $0 != " " }.prefix(characters)
            return product.isEmpty ? "unknown" : String(product)
        }
    }
}
