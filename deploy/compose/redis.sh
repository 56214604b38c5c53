#!/bin/sh
# Starts Redis with a file of users. The administrator's password is that of the environment, and the user `default` is off: with all
# rights, since Redis reads its append-only file as that user. What `redis-users.sh` has made stays.
# Further arguments are Redis's own.
set -eu
umask 077
users=${REDIS_DATA:-/data}/users.acl
touch "$users"
# Through files: a command line can be read by everybody on the host.
{
    printf 'user default off resetpass ~* &* +@all\n'
    printf 'user admin on >%s ~* &* +@all\n' "$REDIS_PASSWORD"
    grep -v -e '^user default ' -e '^user admin ' "$users" || true
} >"$users.new"
mv "$users.new" "$users"
unset REDIS_PASSWORD
exec redis-server --dir "${REDIS_DATA:-/data}" --aclfile "$users" --save '' --appendonly yes --appendfsync always \
    --no-appendfsync-on-rewrite no --auto-aof-rewrite-min-size 2gb --maxmemory-policy noeviction "$@"
