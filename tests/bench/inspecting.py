"""Looking again, by what the first look found out; and looking at one repository of many.

What du does again: it looks at each file and each directory, once, as du(1) does, for what a file takes is
proved by nothing else, not by the stamp of its directory. What it saves is listing directories, and reading.
"""

import os
import shutil
import time

from planning import FRESH, REPOSITORIES, rounds_of, warm
from timing import TOOL, Program


def tool(name, root, words):
    return Program(name, [TOOL] + words[:1] + ["--root", root] + words[1:])


def again(words, peer=None):
    """By the index, and as if there had never been one: it is made anew each time."""
    def scenario(root, rounds, quick, scratch):
        known, fresh = (os.path.join(scratch, name) for name in ("known", "fresh"))
        first = tool("drydock, first run", root, words + ["--cache-dir", fresh])
        programs = [tool("drydock", root, words + ["--cache-dir", known]), first]
        if peer:
            programs.append(Program(" ".join(peer), peer + [root]))

        def forget(program):
            if program is first:
                shutil.rmtree(fresh, ignore_errors=True)

        time.sleep(FRESH)
        return warm(programs, rounds_of(rounds, quick), scratch, forget)
    return scenario


def middle_repository(root):
    names = sorted(os.listdir(os.path.join(root, REPOSITORIES)))
    return names[len(names) // 2]


def one(command):
    """A repository takes what it takes, however many there are beside it."""
    def scenario(root, rounds, quick, scratch):
        whole = [command, "--no-index"] + (["--depth", "24"] if command == "tree" else [])
        programs = [tool("drydock", root, [command, middle_repository(root)]),
                    tool("drydock, all repositories", root, whole)]
        return warm(programs, rounds_of(rounds, quick), scratch)
    return scenario


SCENARIOS = {
    "du-again": again(["du"], ["du", "-s"]),
    "find-again": again(["find", "-unreferenced"]),
    "ls-one": one("ls"),
    "tree-one": one("tree"),
    "du-one": one("du"),
}
