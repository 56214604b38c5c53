"""A small client of Redis (RESP 2)."""

import socket
import time

from .failure import Failure

CHUNK = 2000  # commands that are sent before their replies are read


class RedisError(Exception):
    pass


def encode(arguments):
    parts = [b'*%d\r\n' % len(arguments)]
    for argument in arguments:
        text = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b'$%d\r\n%s\r\n' % (len(text), text))
    return b''.join(parts)


class Redis:
    def __init__(self, host, port, password):
        self.host, self.port, self.password = host, port, password
        try:
            self._socket = socket.create_connection((host, port), timeout=120)
        except OSError as error:
            raise Failure(f'Redis at {host}:{port} does not answer: {error}') from error
        self._replies = self._socket.makefile('rb', buffering=1 << 20)
        self.call('AUTH', password)

    def close(self):
        self._replies.close()
        self._socket.close()

    def call(self, *arguments):
        self._socket.sendall(encode(arguments))
        reply = self._read()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def pipeline(self, commands):
        """The replies to many commands, in order. An error among them is raised."""
        chunk = []
        for command in commands:
            chunk.append(encode(command))
            if len(chunk) == CHUNK:
                yield from self._flush(chunk)
                chunk = []
        if chunk:
            yield from self._flush(chunk)

    def _flush(self, chunk):
        self._socket.sendall(b''.join(chunk))
        replies = [self._read() for _ in chunk]
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    def _read(self):
        line = self._replies.readline()
        if not line:
            raise Failure('Redis has closed the connection')
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest.decode()
        if kind == b':':
            return int(rest)
        if kind == b'-':
            return RedisError(rest.decode())
        if kind == b'$':
            length = int(rest)
            # Ids of users are bytes. To get them back, encode the text in the same way.
            return None if length < 0 else self._replies.read(length + 2)[:-2].decode(errors='surrogateescape')
        return [self._read() for _ in range(int(rest))]

    def info(self, part):
        lines = self.call('INFO', part).splitlines()
        return dict(line.split(':', 1) for line in lines if ':' in line)

    def is_rewriting(self):
        """Whether a child rewrites the append-only file: 0 or 1."""
        return int(self.info('persistence')['aof_rewrite_in_progress'])

    def rewrite(self):
        """Rewrites the append-only file, and returns when that is done. A rewrite under way is waited for first."""
        self._until_not_rewriting()
        self.call('BGREWRITEAOF')
        self._until_not_rewriting()

    def _until_not_rewriting(self):
        while self.is_rewriting():
            time.sleep(0.1)

    def script_usec(self):
        """Microseconds that scripts took since the last CONFIG RESETSTAT."""
        text = self.info('commandstats').get('cmdstat_evalsha', 'calls=0,usec=0')
        return int(dict(pair.split('=') for pair in text.split(','))['usec'])
