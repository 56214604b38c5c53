"""Requests in the form of `redeem bench replay` and bench/wrk/replay.lua: each is a line."""

import base64
import json
import random
import uuid
from urllib.parse import quote

from .stack import SHARD

# The API's limits: 10 wrong codes within 600 s lock a user out.
ATTEMPTS, WINDOW_MS, ENTRIES = 10, 600_000, 1_000_000


def call(script, coupon, digest, requests):
    """The command that decides requests for a coupon. Each request is a user (16 bytes), a session and the tail of a redemption's id."""
    keys = [f'{SHARD}:coupon:{coupon}', f'{SHARD}:outbox', f'{SHARD}:users', *(f'{SHARD}:session:{session}' for _, session, _ in requests)]
    redemptions = b''.join(user for user, _, _ in requests) + ''.join(tail for _, _, tail in requests).encode()
    return ['EVALSHA', script, len(keys), *keys, ATTEMPTS, WINDOW_MS, ENTRIES, redemptions, digest]


def redemption(token, coupon, code, key=None):
    """A redemption for Redeem's API. `key`: its Idempotency-Key."""
    return (f'POST /v1/coupons/{coupon}/redemptions\t{{"code":"{code}"}}\tContent-Type: application/json'
            f'\tAuthorization: Bearer {token}' + (f'\tIdempotency-Key: {key}' if key else ''))


def evalsha(token, coupon, digest, script, separator='/'):
    """The same redemption for a server that runs scripts. User and session are read from the token here, and nobody checks it.
    `separator`: the character behind the command, which is `?` for a server that takes no NUL in a path."""
    user, session = holder(token)
    parts = call(script, coupon, digest, [(uuid.UUID(user).bytes, session, tail())])
    command, *rest = [quote(part if isinstance(part, bytes) else str(part), safe=':') for part in parts]
    return f'GET /{command}{separator}' + '/'.join(rest)


def holder(token):
    """The user and the session of an access token."""
    part = token.split('.')[1]
    claims = json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))
    return claims['sub'], claims['sid']


def base64url(identifier):
    """The form of ids in Redis: 22 characters."""
    return base64.urlsafe_b64encode(identifier.bytes).decode().rstrip('=')


def tail(bits=None):
    """The last 14 characters of a redemption's id (UUIDv7), all but its time. The script's client proposes them."""
    bits = random.getrandbits(74) if bits is None else bits
    return base64url(uuid.UUID(int=7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1))[8:]


def write(path, lines):
    with open(path, 'w', encoding='ascii') as file:
        for line in lines:
            file.write(line + '\n')
