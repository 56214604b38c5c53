internal import Domain

/// The text that `redeem dev` prints once everything answers.
enum Banner {
    static func text(url: String, envFile: String) -> String {
        let users = DemoData.users.map { user in
            "  \(pad(user.username, 7))\(pad("\(user.credit)", 7, right: true))  \(user.role == .admin ? "admin" : "user ")  \(user.shows)"
        }
        let coupons = DemoData.coupons.map { coupon in
            "  \(pad(coupon.id, 11))\(pad("\(coupon.price)", 5, right: true))\(pad("\(coupon.total)", 7, right: true))  \(pad(coupon.code, 14))\(coupon.shows)"
        }
        return """

            Redeem runs here with Redis and Postgres of its own.

            Users (password of each: \(DemoData.password))
              name    credit  role   with whom to see
            \(users.joined(separator: "\n"))

            Coupons
              id         price  stock  code          what it answers
            \(coupons.joined(separator: "\n"))

            Log in:
              TOKEN=$(curl -s \(url)/v1/auth/login -H 'Content-Type: application/json' -d '{"username":"ada","password":"\(DemoData.password)"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
            Redeem a coupon:
              curl -i \(url)/v1/coupons/welcome/redemptions -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"code":"WELCOME-10"}'
            Try it a second time (409 already_redeemed):
              curl -i \(url)/v1/coupons/welcome/redemptions -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"code":"WELCOME-10"}'
            See your credit:
              curl -s \(url)/v1/me -H "Authorization: Bearer $TOKEN"

            Other commands find this one's servers with --config \(envFile). Ctrl-C stops everything.
            ready \(url)
            """
    }

    private static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.count))
        return right ? padding + text : text + padding
    }
}
