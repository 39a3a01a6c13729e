"""A directory tree held in memory: taken from disk, planted on disk, compared."""

import ctypes
import os
import shutil
from collections import namedtuple

# kind: "d", "f" or "l"; data: a file's bytes or a link's target; space: bytes that a file was
# given beyond its end (a reserve has many, and no size).
Node = namedtuple("Node", "kind data mode mtime ino space", defaults=(0,))

KEEP_SIZE = 1
_fallocate = ctypes.CDLL(None, use_errno=True).fallocate
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def take(root):
    """The whole tree below root, as {path: Node}; the root itself is "."."""
    tree = {}

    def visit(directory, prefix):
        st = os.stat(directory)
        tree[prefix.rstrip("/") or "."] = Node("d", None, st.st_mode & 0o7777, st.st_mtime_ns,
                                               st.st_ino)
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    visit(entry.path, path + "/")
                    continue
                st = entry.stat(follow_symlinks=False)
                if entry.is_symlink():
                    node = Node("l", os.readlink(entry.path), 0o777, st.st_mtime_ns, st.st_ino)
                else:
                    node = Node("f", _read(entry.path, st.st_size), st.st_mode & 0o7777,
                                st.st_mtime_ns, st.st_ino, space_beyond(st))
                tree[path] = node

    visit(root, "")
    return tree


def _read(path, size):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)


def space_beyond(st):
    space = st.st_blocks * 512
    return space if space >= st.st_size + (64 << 10) else 0


def plant(tree, root):
    """Makes root hold this tree and nothing else, times and modes included."""
    if os.path.lexists(root):
        shutil.rmtree(root)
    os.mkdir(root)
    directories = []
    for path in sorted(tree, key=lambda p: (p != ".", p)):
        node, place = tree[path], os.path.join(root, path)
        if node.kind == "d":
            if path != ".":
                os.mkdir(place)
            directories.append((place, node))
        elif node.kind == "l":
            os.symlink(node.data, place)
        else:
            fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(fd, node.data)
            if node.space and _fallocate(fd, KEEP_SIZE, 0, node.space) != 0:
                raise OSError(ctypes.get_errno(), "fallocate")
            os.fchmod(fd, node.mode)
            os.utime(fd, ns=(node.mtime, node.mtime))
            os.close(fd)
    for place, node in reversed(directories):
        os.chmod(place, node.mode)
        os.utime(place, ns=(node.mtime, node.mtime))


STATE = ".drydock/"
TRASH = STATE + "trash/"
PURGE = STATE + "purge/"


def live(tree):
    """The volume's files: {path: bytes}."""
    return {path: node.data for path, node in tree.items()
            if node.kind == "f" and not path.startswith(STATE)}


def _inside(tree, prefix):
    """Files that lie in a run's directory, by the path they have in the volume."""
    found = set()
    for path, node in tree.items():
        if node.kind == "f" and path.startswith(prefix):
            run, _, rest = path[len(prefix):].partition("/")
            if rest.startswith("docker/"):
                found.add((rest, node.data))
    return found


def trashed(tree):
    return _inside(tree, TRASH)


def staged(tree):
    """What repairs have made ready, by its bytes."""
    return {node.data for path, node in tree.items()
            if node.kind == "f" and path.startswith(TRASH) and "/staged/" in path}


def doomed(tree):
    """What is on its way out for good."""
    return _inside(tree, PURGE)


def unlike(got, want, limit=4):
    """How two {path: bytes} differ, in words; empty if they do not."""
    words = ["missing " + path for path in sorted(want.keys() - got.keys())]
    words += ["unexpected " + path for path in sorted(got.keys() - want.keys())]
    words += ["changed " + path for path in sorted(got.keys() & want.keys())
              if got[path] != want[path]]
    if len(words) > limit:
        words[limit:] = ["and %d more" % (len(words) - limit)]
    return ", ".join(words)
