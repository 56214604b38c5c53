"""What memory idle connections cost the server, and users cost Redis."""

import resource
import socket
import time

from . import proc
from .population import Population
from .stack import SHARD, Stack

SERVER, REDIS = 'memory of the server', 'memory of Redis'
COUPON = 'memory'
SAMPLE = 1000
BATCH = 16
BYTES = 'bytes a user'
HASH = 'user hash, one redemption'
IDLE = 'idle connections'
MEGABYTES = 'MB'
CLOSING_SECONDS = 1
# What each connection has asked before it is idle: only who asked is known to be served. The hot route is answered before the
# router, so it leaves less behind; a token that is not one is refused there.
REQUESTS = {
    'nothing asked': (b'', b''),
    'each asked to redeem': (
        b'POST /v1/coupons/memory/redemptions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer none\r\n'
        b'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"code":"x"}', b' 401 '),
    'each asked another route': (b'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', b' 200 '),
}


def run(context):
    with Stack(context, 'memory') as stack:
        stack.start_sync()
        connections(context, stack)
        users(context, stack)
        stack.reconcile()


def connections(context, stack):
    """A server of its own for each kind of past that an idle connection may have."""
    count = context.sizes.idle_connections
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 1000), most))  # the server inherits it
    for what, (request, answer) in REQUESTS.items():
        server = stack.serve('local')
        before = proc.resident_bytes(server.process.pid) / 1e6
        context.results.add(SERVER, 'started', MEGABYTES, before)
        opened = []
        try:
            idle(opened, server.url, count, request, answer)
            after = proc.resident_bytes(server.process.pid) / 1e6
        finally:
            for connection in opened:
                connection.close()
        stack.stop_server(server)
        context.results.add(SERVER, f'{count:,} {IDLE}, {what}', MEGABYTES, after)
        context.results.add(SERVER, f'{count:,} {IDLE}, {what}', 'kB a connection', (after - before) * 1000 / count)
        context.say(f'memory: {after:.0f} MB with {count} connections, {what}')


def idle(opened, url, count, request, answer):
    """Opens connections that ask once and stay."""
    host, port = url.removeprefix('http://').split(':')
    for _ in range(count):
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(request)
        opened.append(connection)
    if request:
        for connection in opened:
            assert answer in connection.recv(4096), 'the server does not answer on each of its connections'
    time.sleep(CLOSING_SECONDS)
    assert all(is_open(connection) for connection in opened), 'the server closed connections that should stay'


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b''
    except BlockingIOError:
        return True


def users(context, stack):
    count, redis = context.sizes.memory_users, stack.redis
    add = lambda row, column, value: context.results.add(REDIS, row, column, value)
    population = Population(stack, count, own_sessions=False)
    stack.coupon(COUPON, count)
    # One session for all, so that the difference is of the users alone.
    stack.drain()
    before = used(redis)
    context.say(f'memory: {count} users, each with one redemption')
    population.create()
    population.redeem(COUPON, BATCH)
    stack.drain()
    add(HASH, BYTES, (used(redis) - before) / count)
    add(HASH, 'MEMORY USAGE', mean(redis, [population.user(number) for number in range(0, count, max(1, count // SAMPLE))]))
    before = used(redis)
    stack.seed(count, 'memory-sessions')
    sessions = sample(redis, f'{SHARD}:session:*')
    indexes = sample(redis, f'{SHARD}:sessions:*')
    users_of_sessions = [key.replace(':sessions:', ':user:') for key in indexes]
    row = 'user without a redemption, with one session'
    add(row, BYTES, (used(redis) - before) / count)
    add(row, 'MEMORY USAGE', mean(redis, sessions) + mean(redis, indexes) + mean(redis, users_of_sessions))
    add('of that, the session and its place in the index', 'MEMORY USAGE', mean(redis, sessions) + mean(redis, indexes))
    context.results.note('memory', f'memory of Redis: {BYTES} is the difference of used_memory by {count:,} users; MEMORY USAGE is the '
                         'mean of single keys, without their places in the table of all keys. Taken when the outbox was empty')


def used(redis):
    """Without what clients' buffers hold, which comes and goes."""
    info = redis.info('memory')
    return int(info['used_memory']) - int(info['mem_clients_normal']) - int(info['mem_aof_buffer'])


def sample(redis, pattern):
    cursor, found = '0', []
    while len(found) < SAMPLE:
        cursor, keys = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
        found += keys
        if cursor == '0':
            break
    return found[:SAMPLE]


def mean(redis, keys):
    sizes = list(redis.pipeline(('MEMORY', 'USAGE', key) for key in keys))
    return sum(sizes) / len(sizes)
