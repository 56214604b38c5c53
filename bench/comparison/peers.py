"""The programs that Redeem is compared with, started on the stack's Redis."""

import json
import os
import socket
import time
import urllib.error
import urllib.request

from . import proc
from .failure import Failure

PEERS = os.path.join(os.path.dirname(__file__), '..', 'peers')
ANSWER_SECONDS = 10
LUA_MODULES = '/usr/lib/nginx/modules'


class Peer:
    """An HTTP server that runs EVALSHA for its clients."""

    def __init__(self, process, port, pids):
        self.process = process
        self.url = f'http://127.0.0.1:{port}'
        self.pids = pids


def webdis(context, stack):
    port = free_port()
    with open(f'{PEERS}/webdis.json', encoding='utf-8') as file:
        settings = json.load(file)
    redis = stack.redis
    settings.update(redis_host=redis.host, redis_port=redis.port, redis_auth=redis.password, http_port=port, threads=os.cpu_count())
    path = f'{stack.folder}/webdis.json'
    write_secret(path, json.dumps(settings, indent=4))
    process = context.processes.start('webdis', ['webdis', path])
    wait_for_answer(process, port)
    return Peer(process, port, [process.pid])


def nginx(context, stack):
    port = free_port()
    folder = f'{stack.folder}/nginx'
    os.makedirs(folder, exist_ok=True)
    with open(f'{PEERS}/nginx.conf', encoding='utf-8') as file:
        text = file.read()
    redis = stack.redis
    for name, value in {'MODULES': LUA_MODULES, 'FOLDER': folder, 'CORES': os.cpu_count(), 'PORT': port, 'REDIS_HOST': redis.host,
                        'REDIS_PORT': redis.port, 'REDIS_PASSWORD': redis.password}.items():
        text = text.replace(f'@{name}@', str(value))
    write_secret(f'{folder}/nginx.conf', text)
    process = context.processes.start('nginx', ['nginx', '-p', folder, '-e', 'stderr', '-c', f'{folder}/nginx.conf'])
    wait_for_answer(process, port)
    return Peer(process, port, [process.pid, *proc.children(process.pid)])


def write_secret(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        file.write(text)


def free_port():
    """A port that nobody listens on. If another program takes it before the peer does, the peer says so and ends."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def wait_for_answer(process, port):
    # Neither peer says when it is ready.
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/PING', timeout=1) as answer:
                if b'PONG' in answer.read():
                    return
        except (urllib.error.URLError, OSError):
            pass
        if process.popen.poll() is not None or time.monotonic() > deadline:
            raise Failure(f'{process.name} does not answer:\n{process.said()[-2000:]}')
        time.sleep(0.05)
