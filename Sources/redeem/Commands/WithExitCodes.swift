internal import ArgumentParser
internal import Foundation
internal import HotPath
internal import Persistence
internal import PostgresClient
internal import RedisClient
internal import Server
internal import Terminal

/// Ends a command with a message on stderr and an exit code of sysexits.h: 64 for wrong use, 69 if a server is out of reach, 75
/// if a change is recorded in Postgres and Redis has yet to hear of it, 1 for anything else.
func withExitCodes(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let error as WrongServiceKey {
        Output.note("error: \(error)")
        throw ExitCode(EX_USAGE)
    } catch let error as FlaskSourceError {
        Output.note("error: the database to import from: \(error)\n  \(error.remedy)")
        throw ExitCode(error.exitCode)
    } catch let error as PostgresError where error.code == .connectionFailed || error.code == .connectionLost {
        Output.note("error: Postgres: \(error)\n  \(error.remedy); `redeem doctor` tells more")
        throw ExitCode(EX_UNAVAILABLE)
    } catch let error as PostgresError where error.code == .poolerInTransactionMode {
        Output.note("error: Postgres: \(error.message)\n  \(error.hint ?? "")")
        throw ExitCode(EX_USAGE)
    } catch let error as PostgresError where error.sqlState == "42P01" || error.sqlState == "42703" {
        Output.note("error: Postgres lacks a table or a column of this version: \(error)\n  run: redeem migrate")
        throw ExitCode.failure
    } catch let error as PostgresError where error.sqlState == "42501" {
        Output.note("error: Postgres: \(error)\n  \(error.remedy)")
        throw ExitCode.failure
    } catch let error as ListenerError {
        Output.note("error: \(error)\n  choose another port with --port or --ops-port (0: any), or another address with --host")
        throw ExitCode.failure
    } catch let error as RedisError where error.isShardClosed {
        Output.note("error: the shard is closed: its owner has not opened it\n  start `redeem sync`, and try again")
        throw ExitCode(EX_UNAVAILABLE)
    } catch let error as RedisError {
        Output.note("error: Redis: \(error)\n  \(error.remedy); `redeem doctor` tells more")
        throw ExitCode(EX_UNAVAILABLE)
    } catch let error as PostgresError where error.isCausedByData {
        Output.note("error: Postgres does not take the data (\(error.constraint ?? error.sqlState ?? "")): \(error.message)")
        throw ExitCode.failure
    } catch {
        throw ExitCode.telling(error)
    }
}

extension FlaskSourceError {
    fileprivate var exitCode: Int32 {
        switch self {
        case .outOfReach: EX_UNAVAILABLE
        case .invalidURL, .tableMissing, .columnMissing, .columnType, .timeZoneUnknown: EX_USAGE
        case .unreadable: EXIT_FAILURE
        }
    }

    fileprivate var remedy: String {
        switch self {
        case .invalidURL: "write it as postgres://user:password@host[:port]/database"
        case .outOfReach: "check --from, and that the server runs"
        case .unreadable(let error) where error.sqlState == "42501":
            "its user needs SELECT on \"User\", \"Coupon\" and user_coupon; nothing was imported"
        case .unreadable: "nothing was imported"
        case .tableMissing: "give --from the Flask service's own database; see: redeem import flask --help"
        case .columnMissing, .columnType: "see: redeem import flask --help"
        case .timeZoneUnknown:
            "give --time-zone a name such as Europe/Berlin, as `select name from pg_timezone_names` there lists them"
        }
    }
}
