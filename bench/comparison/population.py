"""Many users at once, whose ids are computed from their numbers. One statement puts them into Postgres, and the script that loads
users puts them into Redis. They have no access tokens, so only scripts redeem for them."""

import hashlib
import uuid

from . import prepared
from .stack import SHARD

LUA = f'{__file__.rpartition("/")[0]}/../../lua'


def script_sha1(name, redis):
    """The script's SHA-1 in this Redis. The last line of `redeem` names the Redis."""
    with open(f'{LUA}/{name}.lua', 'rb') as file:
        source = file.read()
    if name == 'redeem':
        source += f"-- {redis.info('replication')['master_replid']}\n".encode()
    return hashlib.sha1(source).hexdigest()


class Population:
    CREDIT = 100

    def __init__(self, stack, count, group=0, own_sessions=True):
        """`group` distinguishes populations of one stack. Users without sessions of their own share one."""
        self.stack, self.count = stack, count
        self.prefix = f'00000000-0000-7000-8{group:03x}-'
        self.session_prefix = f'00000000-0000-7000-9{group:03x}-'
        self.own_sessions = own_sessions

    def session_id(self, number):
        return f'{self.session_prefix}{number if self.own_sessions else 0:012d}'

    def user(self, number):
        """The 16 bytes of the id."""
        return uuid.UUID(f'{self.prefix}{number:012d}').bytes

    def session(self, number):
        return f'{SHARD}:session:{self.session_id(number)}'

    def create(self):
        self.insert()
        self.load()

    def insert(self):
        """Puts the users into Postgres."""
        stack = self.stack
        stack.sql(f"""
            with made as (
                insert into users (id, username, name, password_hash, role)
                select ('{self.prefix}' || lpad(number::text, 12, '0'))::uuid, '{self.prefix}' || number, 'made', '!', 'user'
                from generate_series(0, {self.count - 1}) number
                returning id)
            insert into credit_grants (user_id, amount, reason, actor) select id, {self.CREDIT}, 'created', 'bench' from made""")

    def load(self):
        """Puts the users into Redis."""
        redis = self.stack.redis
        epoch, control = redis.call('HMGET', f'{SHARD}:record', 'epoch', 'control')
        load = script_sha1('load_user', redis)
        head = ('EVALSHA', load, 2, f'{SHARD}:record', f'{SHARD}:users', epoch, self.CREDIT, control)
        users = ((*head, self.user(number)) for number in range(self.count))
        wrong = [reply for reply in redis.pipeline(users) if reply != 'loaded']
        assert not wrong, f'load_user answers {wrong[0]}'
        sessions = range(self.count if self.own_sessions else 1)
        for _ in redis.pipeline(('HSET', self.session(number), 'role', 'user') for number in sessions):
            pass

    def redeem(self, coupon, batch):
        """Lets each user redeem the coupon, `batch` of them in one call of the script, as a server under load does."""
        stack = self.stack
        sha1, digest = script_sha1('redeem', stack.redis), stack.digest(coupon)

        def call(start):
            numbers = range(start, min(start + batch, self.count))
            requests = [(self.user(number), self.session_id(number), prepared.tail(number)) for number in numbers]
            return prepared.call(sha1, coupon, digest, requests)

        accepted = sum(reply[2].count('a') for reply in stack.redis.pipeline(call(start) for start in range(0, self.count, batch)))
        assert accepted == self.count, f'{accepted} of {self.count} redemptions were accepted'
        return True


class NumberedPopulation(Population):
    """Users in Redis alone, with ids that redis-benchmark can make: four characters and twelve digits. They are no UUIDs."""

    NAME = 'user'

    def user(self, number):
        return f'{self.NAME}{number:012d}'.encode()

    def insert(self):
        pass
