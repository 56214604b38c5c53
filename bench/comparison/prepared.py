"""Requests as `redeem bench replay` and bench/wrk/replay.lua take them: one line each."""

import base64
import json
import random
from urllib.parse import quote

from .stack import SHARD

# The limits of the API: 10 wrong codes in 600 s lock a user out.
ATTEMPTS, WINDOW_MS, ENTRIES = 10, 600_000, 1_000_000


def call(script, coupon, digest, requests):
    """EVALSHA of lua/redeem.lua for requests of (user, session, tail), as its first lines say: all that is called beside Redeem is
    this."""
    keys = [f'{SHARD}:coupon:{coupon}', f'{SHARD}:outbox']
    arguments = [ATTEMPTS, WINDOW_MS, ENTRIES]
    for user, session, own in requests:
        keys += [f'{SHARD}:user:{user}', f'{SHARD}:session:{session}']
        arguments += [own, digest]
    return ['EVALSHA', script, len(keys), *keys, *arguments]


def redemption(token, coupon, code, key=None):
    """`key`: an Idempotency-Key."""
    return (f'POST /v1/coupons/{coupon}/redemptions\t{{"code":"{code}"}}\tContent-Type: application/json'
            f'\tAuthorization: Bearer {token}' + (f'\tIdempotency-Key: {key}' if key else ''))


def evalsha(token, coupon, digest, script):
    """The same redemption, for a server that runs scripts. No token is checked: user and session are read out of it here."""
    parts = call(script, coupon, digest, [(*holder(token), tail())])
    return 'GET /' + '/'.join(quote(part if isinstance(part, bytes) else str(part), safe=':') for part in parts)


def holder(token):
    """User and session of an access token."""
    part = token.split('.')[1]
    claims = json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))
    return claims['sub'], claims['sid']


def tail():
    """The last 22 characters of a redemption's id (UUIDv7), which the client of the script proposes."""
    bits = random.getrandbits(74)
    digits = f'{bits & 0xFFFFFFFFFFFFFFF:015x}'
    return f'7{digits[:3]}-{8 + (bits >> 60) % 4:x}{digits[3:6]}-{digits[6:]}{bits >> 62:03x}'


def write(path, lines):
    with open(path, 'w', encoding='ascii') as file:
        for line in lines:
            file.write(line + '\n')
