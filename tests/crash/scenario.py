"""What is killed, starved and cut off: commands on volumes, and how they end undisturbed."""

import json
import os
import re
import shutil
import signal
import subprocess

import replay
import tree
import volume

RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4,}")
GC = ["gc", "--apply", "--grace", "0", "--min-free", "0"] # however full the disk is
GC_M = GC + ["-m"]
RESTORE = ["trash", "restore", "latest", "--apply"]
EMPTY = ["trash", "empty", "--apply"]
RM_APP = ["rm", "app", "--apply", "--grace", "0"]
RM = RM_APP + ["team/app/web:multi"]
REPAIR = ["repair", "--full", "--no-index", "--apply"]
TIMEOUT = 30


def likeness(path):
    """The sort of place that it is: without digests, names of repositories and runs."""
    path = re.sub("[0-9a-f]{64}", "H", path)
    path = re.sub("/[0-9a-f]{2}(?=/|$)", "/HH", path)
    path = re.sub("repositories/.*?/_", "repositories/R/_", path)
    path = re.sub("/tags/[^/]+", "/tags/T", path)
    return RUN.sub("RUN", path)


class Ended:
    """How a run of the tool ended."""

    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err

    def words(self):
        if self.status < 0:
            try:
                how = "was killed by " + signal.Signals(-self.status).name
            except ValueError:
                how = "was killed by signal %d" % -self.status
        else:
            how = "ended with %d" % self.status
        said = self.err.strip().splitlines()
        return "`%s` %s%s" % (" ".join(self.arguments), how, ": " + said[0] if said else "")


class Tool:
    def __init__(self, path, interposer, cache):
        self.path, self.interposer = path, interposer
        # Nothing of the caller's may say which volume this is about.
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("CRASH_", "DRYDOCK_", "REGISTRY_"))}
        self.environment["DRYDOCK_CACHE"] = cache
        # A sanitizer's report must not look like a status of the tool's. It wants to be loaded
        # before all others; here it comes second, which is well.
        for name, more in (("ASAN_OPTIONS", "exitcode=97:verify_asan_link_order=0:detect_leaks=0"),
                           ("UBSAN_OPTIONS", "halt_on_error=1:exitcode=98"),
                           ("TSAN_OPTIONS", "halt_on_error=1:exitcode=99")):
            self.environment[name] = ":".join(filter(None, [os.environ.get(name), more]))

    def sanitized(self):
        with open(self.path, "rb") as file:
            return re.search(rb"__[atm]san_init", file.read()) is not None

    def run(self, root, arguments, orders=None, limit=None):
        environment = self.environment
        if orders is not None:
            environment = dict(environment, LD_PRELOAD=self.interposer, CRASH_ROOT=root)
            environment.update((name, str(value)) for name, value in orders.items())
        process = subprocess.Popen([self.path, "--root", root, "-j1"] + arguments,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment, preexec_fn=limit)
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Ended(arguments, 124, "", "still running after %d s" % TIMEOUT)
        return Ended(arguments, process.returncode, out.decode(errors="replace"),
                     err.decode(errors="replace"))

    def runs(self, root):
        """The runs that can be undone, newest first; None if the tool cannot say."""
        ended = self.run(root, ["trash", "list", "--json"])
        if ended.status != 0:
            return None
        try:
            json.loads(ended.out)
        except ValueError:
            return None
        return sorted(set(RUN.findall(ended.out)), reverse=True)


class Scenario:
    """A command, on a volume in a known state."""

    def __init__(self, name, command, prepare=(), purges=None, revives=False, after=None,
                 settles=True, mends=False):
        self.name = name
        self.command = command
        self.prepare = prepare      # commands, and functions that do something to the volume
        self.purges = purges        # what does not come back: "all" that it takes, or "older" trash
        self.revives = revives      # the image that is loose comes back by itself
        self.after = after or command   # the next plain run
        self.settles = settles      # … ends the same, however far this one came
        self.mends = mends          # files may hold what they held, or what they should
        self.prepared = bool(prepare)   # an earlier run set the reserve aside
        self.delete_untagged = "-m" in command or any("-m" in step for step in self.commands())

    def commands(self):
        return [step for step in self.prepare if not callable(step)]

    def rehearse(self, tool, work):
        """Runs undisturbed, recorded, and remembers all that the checks compare with."""
        work = os.path.join(work, self.name)
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        root, planted = self.place(work), os.path.join(work, "made")
        made = volume.make(planted)
        self.original = tree.take(planted)
        tree.plant(self.original, root)
        for step in self.prepare:
            if callable(step):
                step(root, made["loose"])
            else:
                self.expect(tool.run(root, step))
        # Every later run starts from a copy; so does this one.
        self.before = tree.take(root)
        tree.plant(self.before, root)
        start = tree.take(root)

        trace_path, log_path = os.path.join(work, "trace"), os.path.join(work, "log")
        self.press(root)
        try:
            self.expect(tool.run(root, self.command, {"CRASH_TRACE": trace_path,
                                                      "CRASH_LOG": log_path}))
            self.end = tree.take(root)
            if self.has_next(tool, root):
                self.expect(tool.run(root, self.after))
            self.settled = tree.live(tree.take(root))
        finally:
            self.release(root)
        self.facts()
        self.check_rehearsal(made)
        self.check_interposer(tool, root)
        with open(trace_path, encoding="utf-8", errors="surrogateescape") as file:
            self.calls = [Call(line) for line in file]
        self.recording = replay.Recording(start, log_path)
        self.check_recording()

    def place(self, work):
        return os.path.join(work, "vol")

    def press(self, root):
        """What makes the run hard, and is no part of the volume."""

    def release(self, root):
        """The end of that."""

    def check_interposer(self, tool, root):
        """The same command from the same start, with no interposer, ends the same."""
        tree.plant(self.before, root)
        self.expect(tool.run(root, self.command))
        difference = tree.unlike(tree.live(tree.take(root)), self.live_end)
        if difference:
            raise RuntimeError("%s: the interposer alone changes the result: %s"
                               % (self.name, difference))

    def check_recording(self):
        """What was recorded makes of the start just what is there at the end."""
        made = self.recording.cut(len(self.recording), replay.KEPT)
        wrong = [path for path in made.keys() | self.end.keys()
                 if path not in made or path not in self.end
                 or made[path][:2] != self.end[path][:2]]
        if wrong:
            raise RuntimeError("%s: the record of it is not whole: %s" % (self.name, min(wrong)))

    def has_next(self, tool, root):
        return self.after != RESTORE or bool(tool.runs(root))

    def expect(self, ended):
        if ended.status != 0:
            raise RuntimeError("%s: undisturbed, %s" % (self.name, ended.words()))

    def facts(self):
        self.live_before, self.live_end = tree.live(self.before), tree.live(self.end)
        self.live_original = tree.live(self.original)
        self.facts_before = self.remembered(self.before)
        self.must, _ = volume.reach(self.live_before, self.delete_untagged)
        if self.command[0] == "rm":
            self.must &= self.live_end.keys()
        self.withdrawn = set(self.live_before) - set(self.live_end)
        self.everything = set(self.live_before.items())
        if not self.purges:
            self.everything |= tree.trashed(self.before)
        if self.mends:
            self.must = {path for path in self.must
                         if self.live_end.get(path) == self.live_before[path]}
            self.everything -= self.moved()
            self.withdrawn |= {path for path in self.live_before.keys() & self.live_end.keys()
                               if self.live_before[path] != self.live_end[path]}
        # A link may be without its blob only if that was so to begin with.
        self.dangled = volume.dangling(self.live_original) | volume.dangling(self.live_before)
        if self.mends: # undone, it is what it was
            self.dangled |= volume.dangling(self.live_end)
            # Of two runs that took them the first may bring the link, the second what is rotten.
            rest = {path: data for path, data in self.live_before.items()
                    if "/blobs/" not in path or path in self.live_end}
            self.dangled |= volume.dangling(rest)
        # What undoing all the runs leaves: the first state, and what was pushed since.
        self.undone = dict(self.live_original, **self.live_before)
        if self.mends: # what the damage took is in no run
            damaged = self.end if self.command == RESTORE else self.before
            self.undone = dict(tree.trashed(damaged), **tree.live(damaged))

    def moved(self):
        """What was misplaced, and lies where it belongs at the end: no blob is lost."""
        moved = self.everything - set(self.live_end.items()) - tree.trashed(self.end)
        lost = {path for path, data in moved if data not in self.live_end.values()
                and "/blobs/" in path}
        if lost:
            raise RuntimeError("%s: undisturbed, it lost %s" % (self.name, min(lost)))
        return moved

    @staticmethod
    def remembered(state):
        return volume.remembered(state[volume.RECORDS].data if volume.RECORDS in state else b"")

    def check_rehearsal(self, made):
        """The scenario is worth its name: each kind of garbage went, nothing else did."""
        problems = []
        gone = set(made["gc"] + (made["untagged"] if self.delete_untagged else []) +
                   (made["leftovers"] if "--leftovers" in self.command else []))
        gone -= volume.reach(self.live_end, self.delete_untagged)[0]
        if self.command[0] == "gc":
            problems += ["left " + path for path in sorted(gone & self.live_end.keys())]
            kept = (self.must | set(made["kept"])) - self.live_end.keys()
            problems += ["took " + path for path in sorted(kept)]
            problems += ["without its blob: " + path for path in
                         sorted(volume.dangling(self.live_end) - self.dangled)]
        if self.command[0] == "rm":
            problems += self.check_removal()
        if volume.pile_up in self.prepare and \
                2 * len(self.end[volume.RECORDS].data) > len(self.before[volume.RECORDS].data):
            problems.append("left the records as long as they were")
        came = self.live_end.keys() - self.live_before.keys()
        if self.revives and volume.blob_path(made["loose"]) not in came:
            problems.append("did not bring back " + made["loose"])
        if self.command == RESTORE and len(self.commands()) == 1:
            problems += [tree.unlike(self.live_end, self.live_original)]
        if self.purges:
            kept = {(path, self.live_before[path]) for path in self.withdrawn} \
                if self.purges == "older" else set()
            problems += ["not purged: " + path for path, _ in
                         (tree.trashed(self.end) | tree.doomed(self.end)) - kept]
        problems = [problem for problem in problems if problem]
        if problems:
            raise RuntimeError("%s: undisturbed, it %s" % (self.name, "; ".join(problems[:6])))


    def check_removal(self):
        """What was named is gone, what nothing else needs with it, and all else is there."""
        tags = {path for path in self.live_before if "/_manifests/tags/" in path
                and path.startswith((volume.REPOSITORIES + "app/",
                                     volume.REPOSITORIES + "team/app/web/"))}
        rest = {path: data for path, data in self.live_before.items() if path not in tags
                and not path.startswith(volume.REPOSITORIES + "app/")
                and not path.startswith(volume.REPOSITORIES + "team/app/web/_manifests/")}
        needed = volume.reach(rest, False)[0]
        return ["left " + path for path in sorted(tags & self.live_end.keys())] + \
            ["took " + path for path in sorted(needed - self.live_end.keys())] + \
            ["left " + path for path in self.live_end
             if path.startswith(volume.REPOSITORIES + "app/_manifests/revisions/")
             and path.endswith("/link")]


class Call:
    """A line of the trace: "12 3 -cs renameat2 path"."""

    def __init__(self, line):
        number, change, traits, name, path = line.rstrip("\n").split(" ", 4)
        self.number, self.change, self.traits = int(number), int(change), traits
        self.name, self.path = name, path

    def kind(self):
        """Its like: the same call at the same sort of place."""
        return "%s %s" % (self.name, likeness(self.path))


# All kinds of garbage, and all ways in which a run ends. What a run of its own would not reach:
# what comes back by itself, what is fetched from another run, and trash that expires.
SCENARIOS = (
    Scenario("gc", GC),
    Scenario("gc-m", GC_M + ["--leftovers"]),
    Scenario("second", GC_M, prepare=[GC]),
    Scenario("revive", GC_M, prepare=[GC_M, volume.push_again], revives=True),
    Scenario("expire", GC_M + ["--trash-keep", "0"], prepare=[GC], purges="older"),
    Scenario("bound", GC_M + ["--trash-max", "1B"], prepare=[GC], purges="all"),
    Scenario("purge", GC_M + ["--purge"], purges="all"),
    Scenario("records", GC_M, prepare=[GC, volume.pile_up]),
    Scenario("restore", RESTORE, prepare=[GC_M]),
    Scenario("restore-part", ["trash", "restore", "latest", "lib", "--apply"], prepare=[GC_M],
             revives=True, after=RESTORE),
    Scenario("restore-far", RESTORE, prepare=[GC_M, volume.link_again, GC_M], revives=True,
             settles=False),
    Scenario("repair", REPAIR, prepare=[GC_M, volume.damage], mends=True),
    Scenario("repair-ahead", REPAIR, prepare=[GC_M, volume.damage_ahead], mends=True),
    Scenario("unrepair", RESTORE, prepare=[GC_M, volume.damage, REPAIR], mends=True,
             settles=False),
    Scenario("rm", RM, prepare=[GC], after=RM_APP, settles=False),
    Scenario("unrm", RESTORE, prepare=[GC, RM], settles=False),
    Scenario("empty", EMPTY, prepare=[GC_M], purges="all"),
    Scenario("empty-revive", EMPTY, prepare=[GC_M, volume.push_again], purges="all", revives=True),
)
