"""Redeem, Webdis and nginx side by side on one Redis, and the requests that each of them gets for the same redemptions."""

import uuid

from . import load, peers, prepared
from .failure import Failure
from .measure import Costs
from .population import script_sha1

REDEEM, WEBDIS, NGINX = 'Redeem', 'Webdis', 'nginx + Lua'
PEERS = (WEBDIS, NGINX)
SIDES = (REDEEM, *PEERS)


class Arena:
    def __init__(self, context, stack):
        self.context, self.stack = context, stack
        self.script = script_sha1('redeem', stack.redis)

    def open(self):
        """Lets the sync worker open the shard. That loads the scripts, which the peers need."""
        stack = self.stack
        stack.start_sync()
        if stack.redis.call('SCRIPT', 'EXISTS', self.script) != [1]:
            raise Failure(f'lua/redeem.lua is not the script that {self.context.redeem} was built with; build it again')
        self.servers = {
            REDEEM: stack.serve('relaxed'), WEBDIS: peers.webdis(self.context, stack), NGINX: peers.nginx(self.context, stack)}
        return self

    def close(self):
        for side in PEERS:
            self.context.processes.stop(self.servers[side].process)

    def requests(self, side, tokens, coupon, name, keys=False):
        """The requests for one side. `keys`: each has an Idempotency-Key, as requests should."""
        if side == REDEEM:
            lines = [prepared.redemption(token, coupon, self.stack.code(coupon), uuid.uuid4() if keys else None) for token in tokens]
        else:
            digest = self.stack.digest(coupon)
            separator = '?' if side == NGINX else '/'
            lines = [prepared.evalsha(token, coupon, digest, self.script, separator) for token in tokens]
        return load.Requests(f'{self.stack.folder}/{name}', lines, 'redeem' if side == REDEEM else 'peer')

    def run(self, side, requests, drive):
        """Loads the side by `drive(url, requests)`. Returns its figures, and the processor time of the processes."""
        server = self.servers[side]
        with Costs(self.stack, requests.count, server.pids) as costs:
            run = drive(server.url, requests)
        return run, costs
