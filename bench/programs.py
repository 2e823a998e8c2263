"""Programs that take turns: Doorward's in each language, PostgreSQL's load generator, and a server."""

import glob
import mmap
import os
import shutil
import struct
import subprocess
import tempfile

from build import PROGRAM, TARGET


class Syncs:
    """How often some processes made a file durable: c/syncs.c counts into a file of eight bytes."""

    def __init__(self):
        # The database server runs as somebody else, who may not look into the checkout.
        self.folder = tempfile.TemporaryDirectory(prefix="doorward-bench-syncs-")
        os.chmod(self.folder.name, 0o755)
        library = shutil.copy(os.path.join(TARGET, "syncs.so"), self.folder.name)
        path = os.path.join(self.folder.name, "count")
        with open(path, "w+b") as file:
            os.chmod(path, 0o666)
            file.write(bytes(8))
            file.flush()
            self.count = mmap.mmap(file.fileno(), 8)
        self.environment = dict(
            os.environ,
            LD_PRELOAD=library,
            DOORWARD_BENCH_SYNCS=path,
            PYTHONPATH=os.path.join(TARGET, "python"),
        )

    def now(self):
        return struct.unpack("=Q", self.count[:8])[0]


class Program:
    """A process that works when it is told to."""

    def __init__(self, command):
        self.syncs = Syncs()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.syncs.environment
        )
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"bench: {' '.join(command)} does not start")

    def round(self, what, count, callers):
        """Nanoseconds and syncs of one operation."""
        if what == "refresh":
            self.work("prepare", count, 16)
        before = self.syncs.now()
        spent = self.work(what, count, callers)
        return spent / count, (self.syncs.now() - before) / count

    def work(self, what, count, callers):
        self.process.stdin.write(f"{what} {count} {callers}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.strip().isdigit():
            raise SystemExit(f"bench: {self.process.args} failed at {what}: {answer!r}")
        return int(answer)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Pgbench:
    """PostgreSQL's own load generator: libpq, prepared statements, no library of ours."""

    def __init__(self, url, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))
        self.command, self.url, self.folder = (found[-1] if found else "pgbench"), url, folder

    def round(self, script, count, clients):
        file = os.path.join(self.folder, "script.sql")
        with open(file, "w") as out:
            out.write(script)
        ran = subprocess.run(
            [self.command, "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
             "-t", str(max(1, count // clients)), "-f", file, self.url],
            capture_output=True, text=True,
        )
        if ran.returncode != 0:
            raise SystemExit(f"bench: pgbench failed: {ran.stderr}")
        rate = next(line for line in ran.stdout.splitlines() if "without initial connection time" in line)
        return 1e9 / float(rate.split()[2])


class Server:
    """A PostgreSQL server with fsync on, for this run alone."""

    def __init__(self):
        self.syncs = Syncs()
        self.process = subprocess.Popen(
            [PROGRAM, "server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.syncs.environment,
        )
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("postgres"):
            raise SystemExit("bench: PostgreSQL does not start")

    def sql(self, statement):
        self.process.stdin.write(statement.replace("\n", " ") + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def counted(self, count, work):
        """Nanoseconds of one operation, by `work`, and the server's syncs."""
        before = self.syncs.now()
        spent = work()
        return (spent[0] if isinstance(spent, tuple) else spent), (self.syncs.now() - before) / count

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
