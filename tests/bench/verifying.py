"""The scenarios of verify: beside programs that know nothing of what they read."""

import glob
import os
import shutil
import subprocess

from timing import (BLOBS, PROGRAMS, TOOL, Failed, Program, drop_caches, measure, mount_of,
                    own_clock, say, take_turns)

CORES = len(os.sched_getaffinity(0))
MANY = 32  # threads: up to so many the tool takes by itself, where a disk has to be waited for
FLOOR = os.path.join(PROGRAMS, "floor-hash")


def drydock(root, threads, *options):
    return Program("drydock", [TOOL, "verify", "--root", root, "--jobs", str(threads), *options])


def floor(what, threads, root, name="floor"):
    return Program(name, [FLOOR, what, str(threads), root], clock=own_clock)


def has(name):
    if shutil.which(name):
        return True
    say("left out: %s: not installed (script/deps bench)" % name)
    return False


def blobs_of(root):
    return glob.glob(os.path.join(root, BLOBS, "*", "*", "data"))


def count_bytes(root):
    return sum(os.path.getsize(path) for path in blobs_of(root))


def by_rate(size, rate):
    """A clock for what tells bytes a second: the seconds that so many bytes would take."""
    def clock(run):
        try:
            return run._replace(seconds=size / rate(run.output))
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise Failed("a rate was expected, not %r" % run.output) from error
    return clock


def openssl(size):
    """As fast as this processor hashes, nothing read."""
    return Program("openssl speed", [
        "sh", "-c", "openssl speed -mr -multi %d -seconds 2 -bytes 262144 -evp sha256 "
        "2>/dev/null | grep '^+F' | cut -d: -f4" % CORES], clock=by_rate(size, float))


def fio(file, size):
    """As fast as the disk gives one file in order, past the page cache, 8 MiB asked for at once."""
    return Program("fio", [
        "sh", "-c", "fio --name=bench --rw=read --bs=1M --direct=1 --ioengine=libaio --iodepth=8 "
        "--readonly --output-format=terse --terse-version=3 --filename='%s' | cut -d';' -f7" %
        file], clock=by_rate(size, lambda text: float(text) * 1024))


def warm(programs, rounds, scratch):
    for program in programs:
        measure(program.argv, scratch)  # fills the page cache
    return take_turns(programs, rounds, scratch)


def wide(root, rounds, quick, scratch):
    programs = [drydock(root, CORES, "--no-index"), floor("all", CORES, root),
                floor("prove", CORES, root, "floor, blobs hashed")]
    if has("sha256sum"):
        programs.append(Program("sha256sum, blobs alone", [
            "sh", "-c", "find '%s' -name data -print0 | xargs -0 -P %d sha256sum >/dev/null" %
            (os.path.join(root, BLOBS), CORES)]))
    return warm(programs, rounds or (3 if quick else 7), scratch)


def again(root, rounds, quick, scratch):
    """What was verified is remembered: a look at each blob, link and directory is left."""
    cache = os.path.join(scratch, "cache")
    programs = [drydock(root, CORES, "--cache-dir", cache), floor("look", CORES, root)]
    try:
        return warm(programs, rounds or (3 if quick else 7), scratch)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def large(root, rounds, quick, scratch):
    size = count_bytes(root)
    programs = [drydock(root, CORES, "--no-index"), floor("blobs", CORES, root)]
    if has("openssl"):
        programs.append(openssl(size))
    return warm(programs, rounds or (3 if quick else 7), scratch)


def make_file(root, path):
    """All bytes of the blobs in one file, written in one go."""
    with open(path, "wb") as out:
        for blob in sorted(blobs_of(root)):
            with open(blob, "rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def cold(root, rounds, quick, scratch):
    if mount_of(root).startswith("tmpfs"):
        say("left out: verify-cold: %s lies in memory" % root)
        return []
    try:
        drop_caches()
    except OSError as error:
        say("left out: verify-cold: cannot drop the page cache: %s" % error.strerror)
        return []
    size = count_bytes(root)
    programs = [drydock(root, MANY, "--no-index"), floor("blobs", MANY, root)]
    file = os.path.join(scratch, "in-order")
    if has("fio"):
        make_file(root, file)
        programs.append(fio(file, size))
    if has("openssl"):
        programs.append(openssl(size))

    def empty_cache(program):
        drop_caches()
        # The program and its libraries are not what is to be read.
        for argv in ([program.argv[0], "--version"], ["fio", "--version"]):
            if shutil.which(argv[0]):
                subprocess.run(argv, check=False, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    try:
        return take_turns(programs, rounds or 3, scratch, empty_cache)
    finally:
        if os.path.exists(file):
            os.unlink(file)


SCENARIOS = {"verify-wide": wide, "verify-again": again, "verify-large": large,
             "verify-cold": cold}
