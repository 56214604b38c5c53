/// The shell script that becomes a server.
///
/// It leaves a watcher behind, which waits at the pipe that is the script's standard input. Only the process that started the
/// server holds the other end. So the end of the pipe says that this process has gone, however it went (`kill -9` too), and the
/// watcher stops the server. (`PR_SET_PDEATHSIG` would not do: it acts when the *thread* that forked ends.)
///
/// The server and the processes that it forks inherit descriptor 9 with a lock on `server.lock`. So the lock is free when the
/// last of them has gone. A start waits for it, and thereby for the end of an earlier server on the same data. The watcher sees
/// by it that its order was followed. By then another process could have the same id, so the watcher signals only a process that
/// has this lock open.
///
/// If a file may not grow any more, the server gets an error, as on a full disk, and not a signal that would end it.
enum ServerLauncher {
    /// Exit code: an earlier server still has the lock.
    static let lockTimedOut: Int32 = 75

    /// Arguments: folder, seconds to wait for an earlier server, signal that stops the server, seconds it may take for
    /// that, then the server's command.
    static let script = """
        cd "$1" || exit 73
        umask 077
        lock=$1/server.lock signal=$3 limit=$4 server=$$
        exec 3<&0 9>>"$lock" </dev/null
        flock -w "$2" 9 || exit 75
        shift 4
        trap '' XFSZ
        (
            exec 9>&- >/dev/null 2>&1
            trap '' HUP INT TERM
            (
                read -r _ <&3
                [ "/proc/$server/fd/9" -ef "$lock" ] || exit
                kill -s CONT "$server" $(cat "/proc/$server/task/$server/children")
                kill -s "$signal" "$server"
                flock -w "$limit" "$lock" true || kill -s KILL "$server"
            ) &
        )
        exec "$@" 3<&-
        """
}
