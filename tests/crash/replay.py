"""What a volume may look like after a power cut.

Takes the tree as it was, and the ordered record of what was done to it
(oplog.h). A cut comes after any line. The model is stricter than any one file
system, because the tool is to be safe on all of them:

- A change of names (create, mkdir, rename, unlink, …) is safe once each
  directory that it changes was fsynced afterwards. Until then it happened or
  it did not, whatever became of its neighbours; but a name is only taken away
  or moved if it had come to be, and a directory only goes if it was empty. A
  rename is atomic. What was moved into a directory that did not survive, is
  gone: so a new directory's parent has to be synced before anything precious
  goes in.
- A file's bytes are safe once the file was fsynced. Until then they may be the
  old ones, the new ones, cut short anywhere, zeros, or nothing.
"""

import random
from collections import namedtuple
from urllib.parse import unquote_to_bytes

from tree import Node

# edges: [(directory, name, before, after)], objects; None: nothing there.
Change = namedtuple("Change", "edges number needs")


class Thing:
    """An inode: one lives through all its names."""

    def __init__(self, node, kind):
        self.kind = kind
        self.entries = {}
        self.touched = {}           # name -> [change]
        self.node = node
        self.born = None            # the change that made this directory
        self.versions = [node.data if kind == "f" else b""]
        self.safe = 0               # index of the version that was synced
        self.touches = []           # [{field: value}], not yet synced

    def sync(self):
        self.safe = len(self.versions) - 1
        self.node, self.touches = self.latest(), []

    def latest(self):
        node = self.node
        for touch in self.touches:
            node = node._replace(**touch)
        return node


class Recording:
    def __init__(self, tree, log_path):
        self.initial = tree
        with open(log_path, "rb") as file:
            self.lines = [self.fields(line) for line in file.read().splitlines()]

    @staticmethod
    def fields(line):
        fields = [unquote_to_bytes(field) for field in line.split(b"\t")]
        return [field if number == 3 and fields[0] == b"write"
                else field.decode(errors="surrogateescape")
                for number, field in enumerate(fields)]

    def __len__(self):
        return len(self.lines)

    def cuts(self, choices):
        """After each line the trees that may be left: (line, number of the choice, tree)."""
        state = State(self.initial)
        for line in range(len(self.lines) + 1):
            if line > 0:
                state.do(self.lines[line - 1])
            for number, choice in enumerate(choices(line)):
                yield line, number, state.survivors(choice)

    def cut(self, line, choice):
        """One of them."""
        state = State(self.initial)
        for fields in self.lines[:line]:
            state.do(fields)
        return state.survivors(choice)

    def describe(self, line):
        if line == 0:
            return "before anything"
        return "after %s %s" % (self.lines[line - 1][0], self.lines[line - 1][-1])


class Choice:
    """What becomes of that which was not synced."""

    def __init__(self, names, data, seed=None):
        self.names, self.data = names, data
        self.random = random.Random(seed)

    def keeps(self):
        return self.random.random() < 0.5 if self.names == "some" else self.names == "kept"

    def bytes(self, versions):
        old, new = versions[0], versions[-1]
        if self.data == "kept" or len(versions) == 1:
            return new
        if self.data == "lost":
            return old
        pick = self.random.choice(versions + [b"", b"cut", b"zeros"])
        # What was synced of a file that has only grown is not touched by what is added.
        safe = len(old) if all(version.startswith(old) for version in versions) else 0
        if pick == b"cut":
            return new[:self.random.randrange(safe, len(new) + 1)]
        if pick == b"":
            return new[:safe]
        if pick == b"zeros":
            shared = min(len(old), len(new))
            return new[:shared] + b"\0" * (len(new) - shared)
        return pick


KEPT = Choice("kept", "kept")
CHOICES = (Choice("lost", "lost"), KEPT, Choice("kept", "lost"))


class State:
    def __init__(self, tree):
        self.by_ino = {}
        self.changes = []
        self.synced = {}            # directory -> number of changes when it was last synced
        self.synced_all = 0
        self.root = None
        places = {}
        for path in sorted(tree, key=lambda p: (p != ".", p)):
            node = tree[path]
            # Hard links share an inode; so do they here.
            thing = self.by_ino.get(node.ino) or Thing(node, node.kind)
            self.by_ino[node.ino] = places[path] = thing
            if path == ".":
                self.root = thing
                continue
            parent, _, name = path.rpartition("/")
            places[parent or "."].entries[name] = thing
        # Names as they were before: what survives is built on these.
        self.first = {thing: dict(thing.entries) for thing in places.values()
                      if thing.kind == "d"}
        self.now = max(node.mtime for node in tree.values())

    def do(self, fields):
        getattr(self, "do_" + fields[0])(*fields[1:])

    # --- names ---

    def change(self, edges):
        """Notes a change and what has to have survived for it to."""
        needs, number = set(), len(self.changes)
        for directory, name, before, after in edges:
            if name in directory.touched:
                needs.add(directory.touched[name][-1])
            if before is not None and before.kind == "d" and \
                    not any(edge[3] is before for edge in edges):
                # A directory that goes was empty: so its entries had gone.
                for numbers in before.touched.values():
                    needs.update(numbers)
        for directory, name, _, after in edges:
            directory.touched.setdefault(name, []).append(number)
            if after is None:
                directory.entries.pop(name)
            else:
                directory.entries[name] = after
        self.changes.append(Change(edges, number, needs))

    def add(self, dir_ino, name, ino, kind):
        node = Node(kind, None if kind == "d" else b"", 0o755 if kind == "d" else 0o644, self.now,
                    int(ino))
        thing = Thing(node, kind)
        if kind == "d":
            thing.born = len(self.changes)
            self.first[thing] = {}
        self.by_ino[int(ino)] = thing
        if dir_ino is not None:
            self.change([(self.by_ino[int(dir_ino)], name, None, thing)])
        return thing

    def do_create(self, dir_ino, name, ino, _path):
        self.add(dir_ino, name, ino, "f")

    def do_temp(self, ino, _path):
        self.add(None, None, ino, "f")

    def do_mkdir(self, dir_ino, name, ino, _path):
        self.add(dir_ino, name, ino, "d")

    def do_symlink(self, dir_ino, name, ino, target):
        self.add(dir_ino, name, ino, "l").node = Node("l", target, 0o777, self.now,
                                                                int(ino))

    def do_link(self, dir_ino, name, ino, _path):
        self.change([(self.by_ino[int(dir_ino)], name, None, self.by_ino[int(ino)])])

    def do_unlink(self, dir_ino, name, _ino, _path):
        directory = self.by_ino[int(dir_ino)]
        self.change([(directory, name, directory.entries[name], None)])

    do_rmdir = do_unlink

    def do_rename(self, dir_ino, name, _ino, _path, to_ino, to_name, _to_path):
        source, target = self.by_ino[int(dir_ino)], self.by_ino[int(to_ino)]
        moved = source.entries[name]
        self.change([(source, name, moved, None),
                     (target, to_name, target.entries.get(to_name), moved)])

    def do_exchange(self, dir_ino, name, _ino, _path, to_ino, to_name, _to_path):
        source, target = self.by_ino[int(dir_ino)], self.by_ino[int(to_ino)]
        one, two = source.entries[name], target.entries[to_name]
        self.change([(source, name, one, two), (target, to_name, two, one)])

    # --- bytes ---

    def version(self, ino, data):
        self.by_ino[int(ino)].versions.append(bytes(data))

    def do_write(self, ino, offset, data, _path):
        old, offset = self.by_ino[int(ino)].versions[-1], int(offset)
        self.version(ino, old[:offset].ljust(offset, b"\0") + data + old[offset + len(data):])

    def do_truncate(self, ino, size, _path):
        old, size = self.by_ino[int(ino)].versions[-1], int(size)
        self.version(ino, old[:size].ljust(size, b"\0"))

    def do_fallocate(self, ino, mode, offset, length, _path):
        old, mode, offset, length = (self.by_ino[int(ino)].versions[-1], int(mode), int(offset),
                                     int(length))
        keep_size, punch_hole = mode & 1, mode & 2
        if punch_hole:
            end = min(offset + length, len(old))
            self.version(ino, old[:offset] + b"\0" * max(0, end - offset) + old[end:])
        elif keep_size:
            thing = self.by_ino[int(ino)]
            thing.node = thing.node._replace(space=offset + length)
        else:
            self.version(ino, old.ljust(offset + length, b"\0"))

    def do_touch(self, ino, mtime, _path):
        self.by_ino[int(ino)].touches.append({"mtime": int(mtime)})

    def do_chmod(self, ino, mode, _path):
        self.by_ino[int(ino)].touches.append({"mode": int(mode)})

    # --- safety ---

    def do_fsync(self, ino, mtime, _path):
        thing = self.by_ino[int(ino)]
        if thing.kind == "d":
            self.synced[thing] = len(self.changes)
        else:
            thing.touches.append({"mtime": int(mtime)})
        thing.sync()

    def do_syncfs(self, _path=None):
        self.synced_all = len(self.changes)
        for thing in self.by_ino.values():
            thing.sync()

    # --- what is left ---

    def is_safe(self, change):
        return change.number < self.synced_all or all(
            change.number < self.synced.get(directory, 0) for directory, _, _, _ in change.edges)

    def kept(self, choice):
        """Which changes survive: the safe ones with all they need, and some others."""
        kept = set()

        def keep(change):
            if change.number not in kept:
                kept.add(change.number)
                for number in change.needs:
                    keep(self.changes[number])

        for change in self.changes:
            if self.is_safe(change):
                keep(change)
        for change in self.changes:
            born = {directory.born for directory, _, _, _ in change.edges} - {None}
            if change.number not in kept and change.needs <= kept and born <= kept and \
                    choice.keeps():
                kept.add(change.number)
        return kept

    def survivors(self, choice):
        kept = self.kept(choice)
        names = {thing: dict(entries) for thing, entries in self.first.items()}
        for change in self.changes:
            if change.number not in kept:
                continue
            for directory, name, _, after in change.edges:
                if after is None:
                    names[directory].pop(name)
                else:
                    names[directory][name] = after
        tree, contents = {}, {}

        def visit(thing, path):
            node = thing.latest() if choice.names == "kept" else thing.node
            if thing.kind == "f":
                if thing not in contents:
                    contents[thing] = choice.bytes(thing.versions[thing.safe:])
                node = node._replace(data=contents[thing])
            tree[path] = node
            for name in sorted(names.get(thing, ())):
                visit(names[thing][name], name if path == "." else path + "/" + name)

        visit(self.root, ".")
        return tree
