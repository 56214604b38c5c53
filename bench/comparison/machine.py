"""The machine and the programs of a comparison. Without them the figures say nothing."""

import datetime
import os
import re
import subprocess
import sys


def said(command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
        return result.stdout.decode(errors='replace').strip()
    except (OSError, subprocess.TimeoutExpired):
        return ''


def package(name):
    return said(['dpkg-query', '--show', '--showformat=${Version}', name]) or '?'


def first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else '?'


def program(path):
    """The version of a built `redeem`, and the commit of the clone that it is in."""
    commit = said(['git', '-C', os.path.dirname(os.path.realpath(path)), 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'])
    return f'redeem {said([path, "--version"])}' + (f', commit {commit}' if re.fullmatch(r'[0-9a-f]+(-dirty)?', commit) else '')


def describe(redeem, pgbench):
    """Rows of (subject, text)."""
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        processor = first(r'^model name\s*: (.+)$', file.read())
    with open('/proc/meminfo', encoding='utf-8') as file:
        memory = int(first(r'^MemTotal:\s+(\d+)', file.read())) / 1024 / 1024
    with open('/etc/os-release', encoding='utf-8') as file:
        system = first(r'^PRETTY_NAME="?([^"\n]+)', file.read())
    root = os.path.dirname(os.path.abspath(__file__))
    commit = said(['git', '-C', root, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'])
    versions = {
        'redeem': said([redeem, '--version']),
        'Redis': first(r'v=(\S+)', said(['redis-server', '--version'])),
        'PostgreSQL': first(r'(\d[\d.]*)', said([pgbench, '--version'])) if pgbench else '?',
        'Webdis': package('webdis'),
        'nginx': first(r'nginx/(\S+)', said(['nginx', '-v'])),
        'its Lua module': package('libnginx-mod-http-lua'),
        'lua-nginx-redis': package('lua-nginx-redis'),
        'wrk': first(r'wrk (?:debian/)?(\S+)', said(['wrk', '-v'])),
        'Python': '.'.join(map(str, sys.version_info[:3])),
    }
    return [
        ('machine', f'{processor}, {os.cpu_count()} cores, {memory:.0f} GiB'),
        ('system', f'{system}, Linux {os.uname().release}'),
        ('programs', ', '.join(f'{name} {version}' for name, version in versions.items())),
        ('commit', commit),
        ('date', datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC')),
    ]
