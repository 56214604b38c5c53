"""A whole Redeem in processes of its own: stores with their schema and keys, workers, servers, and commands beside them."""


class WholeRedeem:
    def __init__(self, processes, program, folder):
        """`program`: the path of `redeem`. `folder`: the folder of the stores."""
        self.processes = processes
        self.program = program
        self.folder = folder
        self._started = []

    def start_stores(self):
        """Starts Redis and Postgres. `settings` is the file with their addresses, and `values` are the settings in it."""
        self.stores = self.start('stores', 'dev', '--stores-only', '--dir', self.folder)
        self.settings = self.stores.wait_for(r'^ready stores (.+)$').group(1)
        with open(self.settings, encoding='utf-8') as file:
            self.values = dict(line.strip().split('=', 1) for line in file)

    def start_worker(self, name='sync', environment=None):
        """Starts a worker, which may not have opened the shard yet."""
        return self.start(name, 'sync', '--config', self.settings, environment=environment)

    def start_server(self, name, *arguments, environment=None):
        """Starts a server on free ports. Returns it and the URL of its API."""
        process = self.start(name, 'serve', '--config', self.settings, '--port', '0', '--ops-port', '0', *arguments,
                             environment=environment)
        return process, process.wait_for(r'^ready (http://\S+)').group(1)

    def run(self, *arguments, environment=None):
        """Runs a command that must succeed. Returns its output."""
        command = [self.program, *map(str, arguments), '--config', self.settings]
        return self.processes.must(f'redeem {arguments[0]}', command, environment)

    def start(self, name, *arguments, environment=None):
        process = self.processes.start(name, [self.program, *arguments], environment)
        self._started.append(process)
        return process

    def stop(self, process):
        self._started.remove(process)
        self.processes.stop(process)

    def stop_all(self):
        """Stops all processes. The users of Redis and Postgres stop before these."""
        for process in reversed(self._started):
            self.processes.stop(process)
        self._started.clear()
