"""What has to hold after a run was disturbed, at whatever moment and however.

At once: all that was reachable is there, byte for byte; nothing went that the
undisturbed run would not have taken; nothing is lost between the volume and
the trash; no link is left without its blob. Then the next plain run ends with
status 0 where the undisturbed one ended, and every run that the trash lists can
be undone, up to the very first state.
"""

import tree
import volume


class Aftermath:
    """The checks of one disturbed volume; problems are collected, not raised."""

    def __init__(self, scenario, tool, root, keep=None, again=False):
        self.scenario, self.tool, self.root = scenario, tool, root
        self.keep = keep
        self.again = again          # the next run has begun, too
        self.problems = []

    def problem(self, when, words):
        if words:
            self.problems.append("%s: %s" % (when, words))

    def paths(self, when, words, paths):
        if paths:
            self.problem(when, "%s %s%s" % (words, min(paths), " and %d more" % (len(paths) - 1)
                                            if len(paths) > 1 else ""))

    def look(self, when, history=True):
        """
        The state on disk, whatever it is, and what is wrong with it. history:
        a tag's history is to name only what is there, like any other link.
        """
        s = self.scenario
        now = tree.take(self.root)
        files, trash = tree.live(now), tree.trashed(now)
        self.paths(when, "reachable, but missing or changed:",
                   {path for path in s.must if files.get(path) != s.live_before[path]})
        self.paths(when, "the undisturbed run takes no", s.live_before.keys() - files.keys()
                   - s.withdrawn)
        self.paths(when, "in the volume, and never was:",
                   {path for path, data in files.items()
                    if s.undone.get(path, s.live_end.get(path)) != data
                    and not (s.mends and data in (s.live_end.get(path), s.live_before.get(path)))})
        self.paths(when, "a link without its blob:",
                   {path for path in volume.dangling(files) - s.dangled
                    if history or not volume.is_history(path)})
        kept = s.remembered(now)
        self.paths(when, "forgotten:", {str(about) for about, known in s.facts_before.items()
                                        if kept.get(about, 0) < known})
        if not s.purges or (s.purges == "older" and when == "at once" and not self.again):
            # Between two names what is replaced lies where its successor was made ready.
            ready = tree.staged(now) if s.mends else set()
            self.paths(when, "neither in the volume nor in the trash:",
                       {path for path, data in s.everything - set(files.items()) - trash
                        if data not in ready})
        return now

    def run(self, when, arguments, statuses=(0,)):
        ended = self.tool.run(self.root, arguments)
        if ended.status not in statuses:
            self.problem(when, ended.words())

    def runs(self, when):
        runs = self.tool.runs(self.root)
        if runs is None:
            self.problem(when, "the trash cannot be listed")
        return runs or []

    def next_run(self):
        s = self.scenario
        if s.has_next(self.tool, self.root):
            self.run("the next run", s.after)
        elif tree.trashed(tree.take(self.root)):
            self.problem("the next run", "the trash holds what no listed run has")
        now = self.look("after the next run")
        if s.settles:
            self.problem("after the next run", tree.unlike(tree.live(now), s.settled))
        self.paths("after the next run", "not purged:", {p for p, _ in tree.doomed(now)})
        self.paths("after the next run", "left behind:", {volume.RECORDS + ".new"} & now.keys())
        return now

    def undo(self, when, now, oldest_first=False):
        """
        Every run that the trash lists; each alone leaves no link without its
        blob (but a history of what is gone). What was purged is told as missing.
        One may be gone before its turn, if another needed all that it held.
        now: the state to begin with.
        """
        s = self.scenario
        before = tree.live(now)
        for number, run in enumerate(sorted(self.runs(when), reverse=not oldest_first)):
            if number > 0 and run not in self.runs(when):
                continue
            self.run(when, ["trash", "restore", run, "--apply"], (0, 1) if s.purges else (0,))
            now = self.look(when, history=False)
        files = tree.live(now)
        if s.purges: # what is left of a trash that was being emptied, is whole
            self.paths(when, "taken by undoing:", before.keys() - files.keys())
        else:
            self.problem(when, tree.unlike(files, s.undone))
        when += ", and collected"
        self.run(when, ["gc", "--apply", "--grace", "0"] + ["-m"] * s.delete_untagged)
        self.paths(when, "not purged:",
                   {p for p, _ in tree.doomed(self.look(when, history=not s.purges))})

    def check(self, copy):
        """All of it. Undoing is tried on the state as it is, and after the next run."""
        disturbed = self.look("at once")
        if self.keep:
            tree.plant(disturbed, self.keep)
        self.undo("undone after the next run", self.next_run(), oldest_first=True)
        if copy:
            tree.plant(disturbed, self.root)
            self.undo("undone at once", disturbed)
        return self.problems
