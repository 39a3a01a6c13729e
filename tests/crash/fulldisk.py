"""A collection on a disk without a free byte: a small ext4 image, mounted."""

import os
import shutil
import subprocess

import tree
import volume
from scenario import GC, GC_M, RESTORE, Scenario

IMAGE_BYTES = 64 << 20


PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def obstacle(work):
    """Why it cannot be tried here, or None."""
    if os.geteuid() != 0:
        return "only root can mount an image"
    for program in ("mkfs.ext4", "mount", "umount"):
        if shutil.which(program, path=PATH) is None:
            return "no " + program
    try:
        with Disk(os.path.join(work, "try")):
            return None
    except OSError as error: # a container, as a rule
        return str(error)


class Disk:
    """The image, mounted as long as this lives."""

    def __init__(self, work, *options):
        self.image, self.top = os.path.join(work, "image"), os.path.join(work, "disk")
        self.ballast = os.path.join(self.top, "ballast")
        self.mounted = False
        os.makedirs(self.top)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        self.call("mkfs.ext4", "-q", "-m", "0", *options, self.image)
        self.call("mount", "-o", "loop", self.image, self.top)
        self.mounted = True

    @staticmethod
    def call(*words):
        words = [shutil.which(words[0], path=PATH)] + list(words[1:])
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise OSError("%s: %s" % (words[0], done.stdout.decode(errors="replace").strip()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            self.call("umount", self.top)
        shutil.rmtree(os.path.dirname(self.image), ignore_errors=True)

    def free(self):
        os.sync()   # what was removed is free only now
        space = os.statvfs(self.top)
        return space.f_bavail * space.f_frsize

    def fill(self):
        """To the last block. What is freed meanwhile by a commit is filled, too."""
        fd = os.open(self.ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while self.free() > 0:
                for size in (1 << 20, 1 << 12, 1):
                    try:
                        while os.write(fd, b"x" * size) > 0:
                            pass
                    except OSError:
                        pass
                os.fsync(fd)
        finally:
            os.close(fd)

    def fill_inodes(self):
        number = 0
        try:
            while True:
                os.close(os.open("%s.%d" % (self.ballast, number), os.O_WRONLY | os.O_CREAT))
                number += 1
        except OSError:
            pass

    def relieve(self):
        for name in os.listdir(self.top):
            if name.startswith("ballast"):
                os.unlink(os.path.join(self.top, name))


class OnFullDisk(Scenario):
    """The disk is full from the end of the preparing run on, until the next run is done."""

    def __init__(self, disk, **arguments):
        super().__init__(**arguments)
        self.disk = disk

    def place(self, work):
        return os.path.join(self.disk.top, "vol")

    def press(self, root):
        self.disk.fill()

    def release(self, root):
        self.disk.relieve()


def scenarios(disk):
    """
    An earlier run has set the reserve aside. What goes is more than that run
    could know, so new directories and a new journal are needed.
    """
    return (
        OnFullDisk(disk, name="full", command=GC_M, prepare=[GC]),
        OnFullDisk(disk, name="full-restore", command=RESTORE, prepare=[GC_M, GC]),
    )


def unprepared(tool, disk, fill):
    """The very first collection, and no room for anything: problems, and how it ended."""
    root = os.path.join(disk.top, "vol")
    planted = os.path.join(disk.top, "made")
    volume.make(planted)
    before = tree.take(planted)
    shutil.rmtree(planted)
    tree.plant(before, root)
    fill()
    ended = tool.run(root, GC_M)
    files = tree.live(tree.take(root))
    must, _ = volume.reach(tree.live(before), True)
    problems = ["missing or changed: " + path for path in sorted(must)
                if files.get(path) != before[path].data]
    if ended.status not in (0, 3):
        problems.append(ended.words())
    if ended.status != 0 and "pace" not in ended.err:
        problems.append("the reason is not told: " + ended.words())
    if ended.status == 0 and files.keys() - must == tree.live(before).keys() - must:
        problems.append("status 0, and nothing was collected")
    disk.relieve()
    again = tool.run(root, GC_M)
    if again.status != 0:
        problems.append("with room again, " + again.words())
    return problems, ended
