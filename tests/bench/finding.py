"""Finding: beside find(1) on the same volume, and beside what else lists the same."""

import os

from planning import REPOSITORIES, ours, rounds_of, warm
from timing import TOOL, Program


def find(root, words, name="drydock"):
    return Program(name, [TOOL, "find", "--root", root] + words)


def blobs(root, rounds, quick, scratch):
    programs = [find(root, ["-type", "blob"]),
                Program("find -type f", ["find", root, "-type", "f"])]
    return warm(programs, rounds_of(rounds, quick), scratch)


def unreferenced(root, rounds, quick, scratch):
    words = ["-type", "blob", "-unreferenced", "--no-index"]
    programs = [find(root, words), ours(root, ["--no-index"], "drydock gc, plan")]
    return warm(programs, rounds_of(rounds, quick), scratch)


def tags(root, rounds, quick, scratch):
    """What find(1) has to be told so that it looks into no other directory."""
    words = [os.path.join(root, REPOSITORIES), "-name", "_layers", "-prune", "-o", "-name",
             "_uploads", "-prune", "-o", "-name", "revisions", "-prune", "-o", "-path",
             "*/_manifests/tags/*", "-prune", "-name", "v1*", "-print"]
    programs = [find(root, ["-type", "tag", "-name", "v1*"]),
                Program("find, tags alone", ["find"] + words),
                Program("drydock ls", [TOOL, "ls", "--root", root])]
    return warm(programs, rounds_of(rounds, quick), scratch)


SCENARIOS = {"find-blobs": blobs, "find-unreferenced": unreferenced, "find-tags": tags}
