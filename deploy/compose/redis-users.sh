#!/bin/sh
# Gives Redis's users `redeem-server` and `redeem-sync` the rights of this version, and their passwords. It may be run again.
set -eu
export REDISCLI_AUTH="$REDIS_PASSWORD"
# redis-cli ends with 0 after a command that Redis refused.
admin() {
    redis-cli -h "${REDIS_HOST:-redis}" -p "${REDIS_PORT:-6379}" --user admin "$@" |
        awk '$0 == "OK" { done = 1; next } $0 != "" { print; failed = 1 } END { exit failed || !done }' >&2
}
admin <"${RIGHTS:-/rights}/redis"
printf 'ACL SETUSER %s resetpass >%s\n' redeem-server "$REDIS_SERVER_PASSWORD" redeem-sync "$REDIS_SYNC_PASSWORD" | admin
admin ACL SAVE
