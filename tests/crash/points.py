"""The moments and manners in which a scenario is disturbed, and one such try."""

import errno
import os
import resource

import replay
import tree
from aftermath import Aftermath
from scenario import Call, likeness

SEEDS = 4   # random outcomes of each power cut, beside the three plain ones


class Point:
    """One try: `orders` for the interposer, or a cut, or a limit of descriptors."""

    def __init__(self, label, manner, kind, orders=None, cut=None, descriptors=None, again=None):
        self.label, self.manner, self.orders = label, manner, orders
        self.kind = manner + " " + kind
        self.cut, self.descriptors = cut, descriptors
        self.again = again          # the next run is killed as well, at this change


# --- (a) killed ---------------------------------------------------------------


def kills(scenario, every):
    """
    What lies between two changes changes nothing: "after this one" and "before
    the next" are the same volume, and a sync alters nothing that a killed
    program leaves. So each state is tried once, unless every point is wanted.
    """
    found = []
    for call in scenario.calls:
        if not call.change or ("y" in call.traits and not every):
            continue
        orders = ["BEFORE"] + ["TORN"] * ("d" in call.traits) + ["AFTER"] * every
        for order in orders:
            found.append(Point("%s change %d (%s)" % (order.lower(), call.change, call.kind()),
                               order, call.kind(), {"CRASH_KILL_" + order: call.change}))
    if not every and found:
        last = max(call.change for call in scenario.calls)
        found.append(Point("after change %d" % last, "AFTER", "last", {"CRASH_KILL_AFTER": last}))
    # The run that cleans up after it dies, too.
    again = [Point(point.label + ", and the next run too", "again", point.kind, point.orders,
                   again=1 + number % max(1, len(found) // 2))
             for number, point in enumerate(found[::4])]
    # Asked to end, it stops between two items.
    found += [Point("asked to end at change %d (%s)" % (call.change, call.kind()),
                    "TERM", call.kind(), {"CRASH_TERM_BEFORE": call.change})
              for call in scenario.calls if call.change]
    return found + again


# --- (b) starved --------------------------------------------------------------


def failures(scenario, _every):
    found = []
    for call in scenario.calls:
        manners = [("once", errno.EIO)]
        manners += [("once", error) for letter, error in
                    (("s", errno.ENOSPC), ("a", errno.EACCES), ("f", errno.EMFILE),
                     ("i", errno.EINTR)) if letter in call.traits]
        if "d" in call.traits:
            manners.append(("half", 0))
        if "d" in call.traits and call.change:
            manners.append(("short", errno.ENOSPC))
        if call.change and "y" not in call.traits:
            manners.append(("late", errno.EIO))
        manners.append(("on", errno.EIO))
        if "s" in call.traits:
            manners += [("on", errno.ENOSPC), ("full", errno.ENOSPC)]
        for mode, error in manners:
            name = errno.errorcode.get(error, "")
            found.append(Point("call %d (%s) %s %s" % (call.number, call.kind(), mode, name),
                               mode, "%s %s" % (name, call.kind()),
                               {"CRASH_FAIL": call.number, "CRASH_MODE": mode,
                                "CRASH_ERRNO": error}))
    found += [Point("%d descriptors" % count, "descriptors", "", descriptors=count)
              for count in range(4, 36)]
    return found


# --- (c) cut off --------------------------------------------------------------


def choices(line):
    return replay.CHOICES + tuple(replay.Choice("some", "some", "%d/%d" % (line, seed))
                                  for seed in range(SEEDS))


def cuts(scenario, every):
    """
    Cuts that leave the same volume are tried once, if every point is wanted: to know them takes
    longer than to try some.
    """
    recording = scenario.recording
    if every:
        return [cut(recording, line, number) for line, number in different(recording)]
    return [cut(recording, line, number) for line in range(len(recording) + 1)
            for number in range(len(choices(line)))]


def different(recording):
    seen = set()
    for line, number, left in recording.cuts(choices):
        state = hash(frozenset((path, node.kind, node.data) for path, node in left.items()))
        if state not in seen:
            seen.add(state)
            yield line, number


def cut(recording, line, number):
    choice, after = choices(line)[number], recording.describe(line)
    return Point("line %d, %s: names %s, bytes %s%s" % (
        line, after, choice.names, choice.data,
        " by chance %d" % (number - 2) if number > 2 else ""),
                 "cut", "%d %s" % (number, likeness(after)), cut=(line, number))


SERIES = {"kill": kills, "starve": failures, "powercut": cuts}


def evenly(things, count):
    """So many of them, or all."""
    if len(things) <= count:
        return things
    return [things[(2 * i + 1) * len(things) // (2 * count)] for i in range(count)]


def sample(points, limit):
    """The first of each kind, as far as they go, then evenly among the others."""
    kinds, rest = {}, []
    for number, point in enumerate(points):
        if point.kind in kinds:
            rest.append(number)
        else:
            kinds[point.kind] = number
    chosen = evenly(list(kinds.values()), limit)
    chosen += evenly(rest, limit - len(chosen))
    return [points[number] for number in sorted(chosen)]


# --- one try ------------------------------------------------------------------


def hit_by(path):
    """The call that was struck, or None."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        line = file.readline()
    return Call(line) if line else None


def starved(scenario, point, ended, hit, root):
    """Is the status, after a failure, what it has to be?"""
    if ended.status not in (0, 1, 3):
        # A lock that is refused is held by another, as far as anyone can tell.
        if not (ended.status == 4 and hit and hit.name in ("flock", "fcntl")):
            return [ended.words()]
    mode, error = point.orders["CRASH_MODE"], point.orders["CRASH_ERRNO"]
    if ended.status == 0:
        words = tree.unlike(tree.live(tree.take(root)), scenario.live_end)
        if words:
            return ["status 0, but not all was done: " + words]
        if hit and "y" in hit.traits and mode in ("once", "on") and error == errno.EIO:
            return ["status 0, though a sync failed"]
        return []
    # What is held is part of the result; what could not be done is not.
    if not ended.err.strip() and (ended.status != 1 or not ended.out.strip()):
        return ["status %d without a word" % ended.status]
    if mode == "half" or error == errno.EINTR and mode == "once":
        return ["no reason to give up: " + ended.words()]
    if mode == "full" and scenario.prepared:
        return ["a full disk stopped it: " + ended.words()]
    return []


def terminated(scenario, ended, root):
    if ended.status == 0:
        words = tree.unlike(tree.live(tree.take(root)), scenario.live_end)
        return ["status 0, but not all was done: " + words] if words else []
    return [] if ended.status == 143 else [ended.words()]


def try_point(scenario, point, tool, work, keep=None):
    """
    The problems that this point brings to light, or None if it was never
    reached. The disturbed volume is copied to the directory keep.
    """
    root, hit_path = os.path.join(work, "vol"), os.path.join(work, "hit")
    if os.path.exists(hit_path):
        os.unlink(hit_path)
    if point.cut:
        line, number = point.cut
        tree.plant(scenario.recording.cut(line, choices(line)[number]), root)
        return Aftermath(scenario, tool, root, keep).check(copy=True)

    tree.plant(scenario.before, root)
    if point.descriptors:
        limits = (point.descriptors, point.descriptors)
        ended = tool.run(root, scenario.command,
                         limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
        orders = Point("", "", "", {"CRASH_MODE": "on", "CRASH_ERRNO": errno.EMFILE})
        problems = starved(scenario, orders, ended, None, root)
        return problems + Aftermath(scenario, tool, root, keep).check(copy=False)

    ended = tool.run(root, scenario.command, dict(point.orders, CRASH_HIT=hit_path))
    hit = hit_by(hit_path)
    if hit is None and ended.status == 0:
        return None
    if "CRASH_FAIL" in point.orders:
        problems = starved(scenario, point, ended, hit, root)
    elif "CRASH_TERM_BEFORE" in point.orders:
        problems = terminated(scenario, ended, root)
    else:
        problems = [] if ended.status == -9 else [ended.words()]
    if point.again and scenario.has_next(tool, root):
        tool.run(root, scenario.after, {"CRASH_KILL_AFTER": point.again})
    copy = "CRASH_FAIL" not in point.orders
    return problems + Aftermath(scenario, tool, root, keep, bool(point.again)).check(copy)
