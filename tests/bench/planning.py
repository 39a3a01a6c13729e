"""Plans: beside the reference's, and beside a program that lists and reads everything once."""

import os
import shutil
import subprocess
import time

from timing import (PROGRAMS, TOOL, Program, drop_caches, measure, mount_of, own_clock, say,
                    take_turns)

FRESH = 3  # seconds; what changed so recently is not remembered
REPOSITORIES = "docker/registry/v2/repositories"


def registries(config, options):
    """The reference's collectors that are here, as programs."""
    found = [shutil.which("docker-registry"), os.environ.get("REGISTRY3")]
    for binary in filter(None, found):
        try:
            version = subprocess.run([binary, "--version"], capture_output=True, text=True,
                                     check=True).stdout.split()
        except (OSError, subprocess.CalledProcessError) as error:
            say("left out: %s: %s" % (binary, error))
            continue
        number = version[-1].lstrip("v").split("+")[0] if version else "?"
        yield Program("registry " + number,
                      [binary, "garbage-collect"] + options + ["--dry-run", config], slow=True)


def ours(root, options, name="drydock"):
    return Program(name, [TOOL, "gc", "--root", root] + options)


def floor(root):
    return Program("floor", [os.path.join(PROGRAMS, "floor-read"), root], clock=own_clock)


def peers(root, scratch, options):
    config = os.path.join(scratch, "config.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\n" % root)
    return list(registries(config, options))


def rounds_of(rounds, quick):
    return rounds or (3 if quick else 7)


def warm(programs, rounds, scratch, before=lambda program: None):
    for program in programs:
        if not program.slow:
            measure(program.argv, scratch)  # fills the page cache, and the index
    return take_turns(programs, rounds, scratch, before)


def plan(options):
    def scenario(root, rounds, quick, scratch):
        programs = [ours(root, ["--no-index"] + options), floor(root)]
        return warm(programs + peers(root, scratch, options), rounds_of(rounds, quick), scratch)
    return scenario


def tagged(root):
    """The directories that tags lie in, of all repositories that have some."""
    top = os.path.join(root, REPOSITORIES)
    return sorted(path for path, names, _ in os.walk(top)
                  if path.endswith("/_manifests/tags") and names)


def change(directories, number):
    """In each a tag more, as a registry writes it."""
    for tags in directories:
        old = os.path.join(tags, sorted(os.listdir(tags))[0])
        new = os.path.join(tags, "changed-%d" % number)
        if not os.path.exists(new):
            shutil.copytree(old, new)


def night(root, rounds, quick, scratch):
    """By what an earlier run has found out; then with a hundredth of the repositories changed."""
    rounds = rounds_of(rounds, quick)
    index = ["--cache-dir", os.path.join(scratch, "cache")]
    directories = tagged(root)
    directories = directories[:max(1, len(directories) // 100)]
    time.sleep(FRESH)
    least = floor(root)
    unchanged = warm([ours(root, index), least], rounds, scratch)
    # Beside the floor again: what came a minute earlier met another machine.
    changed = ours(root, index, "drydock, 1% changed")
    take_turns([changed, least], rounds, scratch,
               lambda program: program is changed and change(directories, len(changed.runs)))
    return unchanged + [changed]


def cold(root, rounds, _quick, scratch):
    if mount_of(root).startswith("tmpfs"):
        say("left out: cold: %s lies in memory" % root)
        return []
    try:
        drop_caches()
    except OSError as error:
        say("left out: cold: cannot drop the page cache: %s" % error.strerror)
        return []

    def empty_cache(program):
        drop_caches()
        # The program and its libraries are not what is to be read.
        subprocess.run([program.argv[0], "--version"], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    time.sleep(FRESH)
    index = ours(root, ["--cache-dir", os.path.join(scratch, "cache")], "drydock, index")
    measure(index.argv, scratch)
    return take_turns([ours(root, ["--no-index"]), index, floor(root)], rounds or 3, scratch,
                      empty_cache)


SCENARIOS = {
    "tag-heavy": plan(["--delete-untagged"]),
    "wide": plan([]),
    "untagged": plan(["--delete-untagged"]),
    "night": night,
    "cold": cold,
}
