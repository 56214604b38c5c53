import Foundation
import TestSupport
import Testing

/// What has changed in the Flask service since it was taken over is told, whatever was done here meanwhile.
@Suite(.serialized) struct FlaskChangesTests {
    @Test func eachKindOfChangeIsTold() async throws {
        let taken = "when it was taken over, and is"
        let changes = [
            (
                #"update "User" set credit = credit + 5 where id = 1"#,
                "credit_changed 1: user 1 'ada': the credit was 70 \(taken) 75 there now"
            ),
            (
                #"update "User" set name = 'Ada L.' where id = 1"#,
                "user_name_changed 1: user 1 'ada': the name was Ada \(taken) Ada L. there now"
            ),
            (
                #"update "User" set password = '\#(WerkzeugHashes.pbkdf2.stored)' where id = 1"#,
                "password_changed 1: user 1 'ada'"
            ),
            (
                #"update "Coupon" set name = 'Snow' where id = 2"#,
                "coupon_name_changed 1: coupon 2 'Snow', winter-2 here: the name was 'Winter' \(taken) 'Snow' there now"
            ),
            (
                #"update "Coupon" set value = 11 where id = 2"#,
                "price_changed 1: coupon 2 'Winter', winter-2 here: value was 10 \(taken) 11 there now"
            ),
            (
                #"update "Coupon" set number_left = 4 where id = 2"#,
                "left_changed 1: coupon 2 'Winter', winter-2 here: number_left was 1 \(taken) 4 there now"
            ),
            (
                #"update "Coupon" set expiration_date = null where id = 2"#,
                "expiration_changed 1: coupon 2 'Winter', winter-2 here: expiration_date was 2099-01-01T00:00:00Z \(taken) never there now"
            ),
            (
                #"update "Coupon" set active = false where id = 2"#,
                "state_changed 1: coupon 2 'Winter', winter-2 here: active was true \(taken) false there now"
            ),
            (#"delete from user_coupon where user_id = 1 and coupon_id = 1"#, "use_gone 1: user 'ada', coupon summer-gala-1"),
            (#"delete from "User" where id = 3"#, "user_gone 1: user 3 'cleo'"),
            (#"delete from "Coupon" where id = 2"#, "coupon_gone 1: coupon 2 'Winter', winter-2 here"),
        ]
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                _ = try await product.importFlask(flask, status: 0)
                // Lawful changes here are no difference.
                try await product.run("user", "credit", "ada", "--add", "30")
                try await product.run("user", "password", "ada", "--password-stdin", input: "another horse\n")
                try await product.run("coupon", "restock", "winter-2", "--by", "3")
                try await product.run("coupon", "pause", "winter-2")
                #expect(try await product.importFlask(flask, status: 0)["clean"] as? Bool == true)
                let before = try await product.fingerprint()
                let rows = try await texts(
                    #"select 'create table "saved' || t || '" as table "' || t || '"' from (values ('User'), ('Coupon'), ('user_coupon')) v(t)"#,
                    at: flask.url
                )
                for sql in rows { try await flask.run(sql) }
                for (change, finding) in changes {
                    try await flask.run(change)
                    let report = try await product.importFlask(flask, status: 1)
                    #expect(report["clean"] as? Bool == false)
                    #expect(report.findings == [finding])
                    try await flask.run(
                        ["user_coupon", "User", "Coupon"].map {
                            #"delete from "\#($0)"; insert into "\#($0)" select * from "saved\#($0)";"#
                        }.joined()
                    )
                }
                _ = try await product.importFlask(flask, status: 0)
                #expect(try await product.fingerprint() == before)
            }
        }
    }

    /// An import of an older version kept nothing to compare with.
    @Test func whatCannotBeComparedIsToldOnce() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                _ = try await product.importFlask(flask, status: 0)
                try await run("delete from imported_users; delete from imported_coupons", at: product.database)
                let report = try await product.importFlask(flask, status: 1)
                #expect(report.findings.count == 1)
                #expect(
                    report.findings[0].hasPrefix("not_comparable 6: 3 users; later runs compare with what they are there now")
                )
                _ = try await product.importFlask(flask, status: 0)
            }
        }
    }

    @Test func momentsOfOtherTimeZonesAndMissingOnesAreTold() async throws {
        try await Product.with { product in
            try await FlaskDatabase.withShop { flask in
                let report = try await product.importFlask(flask, "--time-zone", "Europe/Berlin", status: 0)
                let remarks = try #require(report["remarks"] as? [[String: Any]])
                try #require(remarks.map { $0["kind"] as? String } == ["coupon_endless", "time_zone_assumed"])
                #expect(remarks[0]["examples"] as? [String] == ["coupon 1 'Sümmer Gala!'"])
                #expect(
                    remarks[1]["examples"] as? [String] == ["coupon 2 'Winter': Europe/Berlin", "coupon 3 'Old': Europe/Berlin"]
                )
                let shown = try await product.run("coupon", "show", "winter-2", "--json")
                #expect(shown.contains("2098-12-31T23:00:00Z"), "\(shown)")
                let told = await redeem("import", "flask", "--from", flask.url, environment: product.environment)
                #expect(told.status == 1)
                #expect(told.output.contains("expiration_date was 2098-12-31T23:00:00Z when it was taken over"), "\(told.output)")
                #expect(told.output.contains("for your information: coupons without an expiration date, which never end here: 1"))
                for zone in ["Mars/Olympus", "", "'; drop table users"] {
                    let refused = await redeem(
                        "import",
                        "flask",
                        "--from",
                        flask.url,
                        "--time-zone",
                        zone,
                        environment: product.environment
                    )
                    #expect(refused.status == 64)
                    #expect(refused.output.contains("it knows no time zone '\(zone)'"), "\(refused.output)")
                }
            }
        }
    }
}
