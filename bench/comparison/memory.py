"""The memory that idle connections take in the server, and users in Redis."""

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
LONG = 'x' * 4000  # nearly as much as a body may have
LONG_FIELD = 'x' * 14_000  # nearly as much as a head may have


def request(method, path, token=None, body=None, fields='', length=None):
    """The bytes of a request. `length`: a Content-Length that is more than the body that comes."""
    head = f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}'
    if token:
        head += f'Authorization: Bearer {token}\r\n'
    if body is not None:
        head += f'Content-Type: application/json\r\nContent-Length: {length or len(body)}\r\n'
    return f'{head}\r\n{body or ""}'


def login(token):
    return request('POST', '/v1/auth/login', body=f'{{"username":"nobody-{token[-12:-4].lower()}","password":"wrong"}}')


REDEEM_PATH, BY_CODE = f'/v1/coupons/{COUPON}-idle/redemptions', '/v1/redemptions'
# The request that each connection sends before it is idle, and the beginning of its answer. None: there is no answer, because the rest
# of the request does not come.
PASTS = {
    'nothing asked': (lambda token, code: '', None),
    'a redemption': (lambda token, code: request('POST', REDEEM_PATH, token, f'{{"code":"{code}"}}'), '201'),
    'GET /v1/me': (lambda token, code: request('GET', '/v1/me', token), '200'),
    'GET /v1/coupons': (lambda token, code: request('GET', '/v1/coupons', token), '200'),
    'a login that fails': (lambda token, code: login(token), ''),  # 401, 429 or 503
    'a path that is not there': (lambda token, code: request('GET', '/nope'), '404'),
    'a redemption, long body': (lambda token, code: request('POST', REDEEM_PATH, token, LONG), '400'),
    'another route, long body': (lambda token, code: request('POST', BY_CODE, token, LONG), '400'),
    'another route, long head': (lambda token, code: request('GET', '/livez', fields=f'X-Long: {LONG_FIELD}\r\n'), '200'),
    'eight requests at once': (lambda token, code: request('GET', '/livez') * 8, '200'),
    'half a redemption': (lambda token, code: request('POST', REDEEM_PATH, token, LONG[:3900], length=4000), None),
    'half of another request': (lambda token, code: request('POST', BY_CODE, token, LONG[:3900], length=4000), None),
}


def run(context):
    with Stack(context, 'memory') as stack:
        stack.start_sync()
        connections(context, stack)
        users(context, stack)
        stack.reconcile()


def connections(context, stack):
    """Measures idle connections. Each kind of past that they may have gets a server of its own."""
    count = context.sizes.idle_connections
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 1000), most))  # the server inherits it
    coupon = f'{COUPON}-idle'
    tokens = stack.seed(count, coupon)
    for what, (asked, answer) in PASTS.items():
        server = stack.serve('relaxed')
        before = proc.resident_bytes(server.process.pid) / 1e6
        context.results.add(SERVER, 'started', MEGABYTES, before)
        opened = []
        try:
            idle(opened, server.url, [asked(token, stack.code(coupon)).encode() for token in tokens], answer)
            after = proc.resident_bytes(server.process.pid) / 1e6
            # If there are too many unfinished requests, the server ends the oldest.
            if answer is not None or what == 'nothing asked':
                assert all(is_open(connection) for connection in opened), f'{what}: the server closed connections that should stay'
        finally:
            for connection in opened:
                connection.close()
        stack.stop_server(server)
        context.results.add(SERVER, f'{count:,} {IDLE}, {what}', MEGABYTES, after)
        context.results.add(SERVER, f'{count:,} {IDLE}, {what}', 'kB a connection', (after - before) * 1000 / count)
        context.say(f'memory: {after:.0f} MB with {count} connections, {what}')


def idle(opened, url, requests, answer):
    """Opens connections that send one request and stay open."""
    host, port = url.removeprefix('http://').split(':')
    for text in requests:
        connection = socket.create_connection((host, int(port)), timeout=60)
        connection.sendall(text)
        opened.append(connection)
    if answer is not None:
        for connection in opened:
            said = connection.recv(65536)
            assert said.startswith(f'HTTP/1.1 {answer}'.encode()), f'an answer that should be {answer}: {said[:100]}'
    time.sleep(CLOSING_SECONDS)


def is_open(connection):
    """Whether the server keeps the connection open. Bytes of its answers may still come."""
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
    # All users share one session, so that only the users make the difference.
    stack.drain()
    before = used(redis)
    context.say(f'memory: {count} users, each with one redemption')
    population.create()
    population.redeem(COUPON, BATCH)
    stack.drain()
    add(HASH, BYTES, (used(redis) - before) / count)
    add(HASH, 'MEMORY USAGE', of_users(redis))
    before = used(redis)
    stack.seed(count, 'memory-sessions')
    sessions = sample(redis, f'{SHARD}:session:*')
    indexes = sample(redis, f'{SHARD}:sessions:*')
    row = 'user without a redemption, with one session'
    add(row, BYTES, (used(redis) - before) / count)
    add(row, 'MEMORY USAGE', mean(redis, sessions) + mean(redis, indexes) + of_users(redis))
    add('of that, the session and its place in the index', 'MEMORY USAGE', mean(redis, sessions) + mean(redis, indexes))
    context.results.note('memory', f'memory of Redis: {BYTES} is the difference of used_memory by {count:,} users; MEMORY USAGE is the '
                         'mean of single keys, without their places in the table of all keys, and of a user a part of the hash of all. '
                         'Taken when the outbox was empty')


def used(redis):
    """Redis's memory without the clients' buffers, which change all the time."""
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


def of_users(redis):
    """The mean of all users' records, which one hash holds."""
    key = f'{SHARD}:users'
    return redis.call('MEMORY', 'USAGE', key, 'SAMPLES', SAMPLE) / (redis.call('HLEN', key) - 1)


def mean(redis, keys):
    sizes = list(redis.pipeline(('MEMORY', 'USAGE', key) for key in keys))
    return sum(sizes) / len(sizes)
