"""Requests as `redeem bench replay` and bench/wrk/replay.lua take them: one line each."""

import base64
import json
import random

from .stack import SHARD

# The limits of the API: 10 wrong codes in 600 s lock a user out.
ATTEMPTS, WINDOW_MS, ENTRIES = 10, 600_000, 1_000_000


def redemption(token, coupon, code):
    return (f'POST /v1/coupons/{coupon}/redemptions\t{{"code":"{code}"}}\tContent-Type: application/json'
            f'\tAuthorization: Bearer {token}')


def evalsha(token, coupon, digest, script):
    """The same redemption, for a server that runs scripts. No token is checked: user and session are read out of it here."""
    user, session = holder(token)
    shard = SHARD.replace('{', '%7B').replace('}', '%7D')
    keys = f'{shard}:coupon:{coupon}/{shard}:outbox/{shard}:user:{user}/{shard}:session:{session}'
    return f'GET /EVALSHA/{script}/4/{keys}/{ATTEMPTS}/{WINDOW_MS}/{ENTRIES}/{tail()}/{digest}'


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
