"""What all scenarios share: where things are, how a program is run and timed, and in turns."""

import collections
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(HERE, "..", "..", "build")))
PLACE = os.path.abspath(os.environ.get("BENCH_DIR", os.path.join(BUILD, "bench")))
TOOL = os.path.join(BUILD, "drydock")
PROGRAMS = os.path.join(BUILD, "tests")
BLOBS = "docker/registry/v2/blobs/sha256"

Run = collections.namedtuple("Run", "seconds kilobytes output")


class Failed(Exception):
    """A program failed, or did not do its work: its time would say nothing."""


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def measure(argv, scratch):
    """Runs a program once. Its talk is kept aside, for when it fails."""
    result, talk, output = (os.path.join(scratch, name) for name in ("result", "talk", "output"))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("REGISTRY_", "DRYDOCK_"))}
    with open(talk, "wb") as err, open(output, "wb") as out:
        subprocess.run([os.path.join(PROGRAMS, "measure"), result] + argv, env=clean, check=True,
                       stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    with open(result, encoding="ascii") as file:
        seconds, kilobytes, status = file.read().split()
    if int(status) != 0:
        with open(talk, encoding="utf-8", errors="replace") as file:
            last = file.read().strip().splitlines()[-3:]
        raise Failed("%s: exit status %s: %s" % (" ".join(argv), status, " / ".join(last)))
    with open(output, "rb") as file:
        start = file.read(256).decode("utf-8", "replace")
    return Run(float(seconds), int(kilobytes), start)


def own_clock(run):
    """The floors tell their own seconds, which leave out what they prepare."""
    return run._replace(seconds=float(run.output.split()[0]))


class Program:
    """Something to be timed. `slow` programs run once, without a warm-up."""

    def __init__(self, name, argv, slow=False, clock=lambda run: run):
        self.name, self.argv, self.slow, self.clock = name, argv, slow, clock
        self.runs = []

    def time(self, scratch):
        self.runs.append(self.clock(measure(self.argv, scratch)))


def take_turns(programs, rounds, scratch, before=lambda program: None):
    """Every program once a round, a different one first each time; then the slow."""
    fast = [p for p in programs if not p.slow]
    for number in range(rounds):
        for program in fast[number % len(fast):] + fast[:number % len(fast)]:
            before(program)
            program.time(scratch)
            say("%-16s %9.3f s" % (program.name, program.runs[-1].seconds))
    for program in programs:
        if not program.slow:
            continue
        say("%s: once, and it may take minutes" % program.name)
        try:
            program.time(scratch)
            say("%-16s %9.3f s" % (program.name, program.runs[-1].seconds))
        except Failed as error:
            say("left out:", error)
    return [p for p in programs if p.runs]


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3\n")


def mount_of(path):
    """The file system a path lies on, with its options: they decide what syncs cost."""
    device = os.stat(path).st_dev
    want = "%d:%d" % (os.major(device), os.minor(device))
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, after = line.split(" - ")
            if before.split()[2] == want:
                return "%s (%s)" % (after.split()[0], after.split()[2])
    return "unknown"
