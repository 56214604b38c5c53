/// The shell script that becomes a server.
///
/// It leaves a watcher behind, which waits at the pipe that is the script's standard input. Only the process that started
/// the server holds the other end, so the pipe's end says that this process has gone, however it went (`kill -9` too), and
/// the watcher stops the server. (`PR_SET_PDEATHSIG` would not do: it acts when the *thread* that forked ends.)
///
/// The server inherits descriptor 9 with a lock on `server.lock`, as do the processes it forks. Hence the lock is free
/// when the last of them has gone: that is how a start waits for the end of an earlier server on the same data, and how
/// the watcher knows that its order was followed. A process id alone could be another process's by then; the watcher
/// signals only a process that has this lock open.
///
/// A file that may not grow any more is an error to the server, as on a full disk, and not a signal that ends it.
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
