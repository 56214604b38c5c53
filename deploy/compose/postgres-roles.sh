#!/bin/sh
# Gives Postgres's roles `redeem_server` and `redeem_sync` the rights of this version, and their passwords. It may be run again.
set -eu
export PGPASSWORD="$POSTGRES_PASSWORD"
owner() {
    psql -X -q -v ON_ERROR_STOP=1 -h "${POSTGRES_HOST:-postgres}" -p "${POSTGRES_PORT:-5432}" -U redeem -d "${POSTGRES_DB:-redeem}" "$@"
}
owner -f "${RIGHTS:-/rights}/postgres.sql"
owner <<'SQL'
\set server `printf %s "$POSTGRES_SERVER_PASSWORD"`
\set sync `printf %s "$POSTGRES_SYNC_PASSWORD"`
alter role redeem_server password :'server';
alter role redeem_sync password :'sync';
SQL
