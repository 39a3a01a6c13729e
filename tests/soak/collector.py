"""The collections beside the load, one after another."""

import json
import os
import random
import signal
import subprocess
import time

DONE, ATTENTION, FAILED = 0, 1, 3
NOT_YET = "nothing is collected until"  # what clients were told before a restart is not known
LIMIT = 300  # seconds: only a run that hangs takes so long


def documents(text):
    """One, or one after the other."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


class Tool:
    def __init__(self, path, root, cache):
        self.path, self.root, self.cache = path, root, cache

    def command(self, *words):
        return [self.path, *words, "--root", self.root, "--json"]

    def run(self, *words, wanted=(DONE, ATTENTION)):
        """Its status, its documents, and what it said."""
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=LIMIT,
                              env={"DRYDOCK_CACHE": self.cache, "PATH": "/usr/bin:/bin"})
        if done.returncode not in wanted:
            raise RuntimeError("drydock %s ended with %d: %s" % (
                " ".join(words), done.returncode, done.stderr.strip()))
        return done.returncode, list(documents(done.stdout)), done.stderr

    def collect(self, *words, wanted=(DONE, ATTENTION)):
        until = time.monotonic() + LIMIT
        while True:
            status, plans, said = self.run("gc", "--apply", *words, wanted=(*wanted, FAILED))
            if status != FAILED or FAILED in wanted:
                return status, plans[0], said
            if NOT_YET not in said or time.monotonic() > until:
                raise RuntimeError("drydock gc %s failed: %s" % (" ".join(words), said.strip()))
            time.sleep(0.1)


class Collector:
    """Runs cycles while writers push. Now and then one is killed in its midst."""

    DEEDS = 3  # of the writers, between two cycles

    def __init__(self, run):
        self.run, self.tool, self.ledger = run, run.tool, run.ledger
        self.fate = random.Random("%s collector %d" % (run.seed, run.epoch))

    def options(self):
        words = ["--grace", "%ds" % self.fate.choice(self.run.graces)]
        if self.run.exact:  # what a client deletes is a change of its own
            words += ["--lock-wait", "1m"]
            if self.fate.random() < 0.5:  # nothing comes back: leases and barrier alone
                words.append("--purge")
        words += ["--uploads-older-than", "%ds" % self.fate.choice((1, 3, 10))]
        if self.fate.random() < 0.8:
            words.append("-m")
        if self.fate.random() < 0.3:
            words.append("--no-index")
        if self.fate.random() < 0.1:
            words.append("--leftovers")
        return words

    def cycles(self, count):
        for _ in range(count):
            if self.run.stop.is_set():
                return
            self.wait_for_load()
            words = self.options()
            if self.run.kills and self.fate.random() < 0.08:
                self.kill(words)
            else:
                self.cycle(words)
            self.ledger.count("cycles")
            self.run.stop.wait(self.fate.uniform(0, self.run.pause))

    def wait_for_load(self):
        """However slow the machine, something was done since the last cycle."""
        enough = self.ledger.deeds + self.DEEDS
        while self.ledger.deeds < enough and not self.run.stop.wait(0.01):
            pass

    def cycle(self, words):
        untouchable = self.ledger.untouchable()
        status, plan, said = self.tool.collect(*words)
        totals = plan["totals"]
        self.ledger.count("withdrawn", totals["withdrawn_items"])
        self.ledger.count("leased", totals["leased_items"])
        self.ledger.count("revived", totals["revived_items"])
        self.ledger.count("cycles that found doubt", status == ATTENTION)
        if status == ATTENTION:
            self.run.say_more(plan, said)
        for item in plan["items"]:
            if (item["repository"], item["digest"]) in untouchable:
                self.ledger.problem("gc %s took what is tagged: %s" % (
                    " ".join(words), item["path"]))

    def kill(self, words):
        """The caller, or who carries it out, or who serves: what is half done the next run ends."""
        victim = self.fate.choice(("caller", "worker", "daemon")) if self.run.exact else "caller"
        child = subprocess.Popen(self.tool.command("gc", "--apply", *words),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL,
                                 env={"DRYDOCK_CACHE": self.tool.cache, "PATH": "/usr/bin:/bin"})
        if victim != "caller":
            return self.kill_worker(child, victim == "daemon")
        try:
            child.wait(self.fate.uniform(0, 0.1))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            self.ledger.count("killed cycles")
        return None

    def kill_worker(self, caller, with_daemon):
        """Once it is there: a caller that finds nobody at the volume would collect by itself."""
        worker = None
        while not worker and caller.poll() is None:
            worker = self.run.server.child()
        self.run.stop.wait(self.fate.choice((0, 0.01, 0.03, 0.1)) * self.fate.random())
        if worker and with_daemon:
            self.run.outage(lambda: caller.wait(LIMIT))
            self.ledger.count("killed daemons")
        elif worker and worker == self.run.server.child():
            os.kill(worker, signal.SIGKILL)
            self.ledger.count("killed workers")
        caller.wait(LIMIT)
