"""What the registry has acknowledged, and so has to serve."""

import collections
import threading


class Repository:
    """Its tags. A manifest's deletion takes the tags that lead to it: it has the repository to
    itself, for what becomes of a push meanwhile is the registry's own race."""

    def __init__(self, name):
        self.name = name
        self.tags = {}        # tag -> the image that must pull
        self.deleted = set()  # tags that must be gone
        self.referrers = {}   # digest -> image; their subjects stay
        self.stable = set()   # tags that are never moved nor deleted
        self.turn = threading.Condition()
        self.pushing, self.deleting = 0, 0

    def begin_push(self):
        with self.turn:
            self.turn.wait_for(lambda: not self.deleting)
            self.pushing += 1

    def end_push(self):
        with self.turn:
            self.pushing -= 1
            self.turn.notify_all()

    def begin_deletion(self):
        with self.turn:
            self.turn.wait_for(lambda: not self.deleting)
            self.deleting = 1
            self.turn.wait_for(lambda: not self.pushing)

    def end_deletion(self):
        with self.turn:
            self.deleting = 0
            self.turn.notify_all()

    # What follows is called by whoever pushes or deletes.

    def tagged(self, tag, image):
        with self.turn:
            self.tags[tag] = image
            self.deleted.discard(tag)

    def doubtful(self, tag):
        """Asked for and not acknowledged: it may be this or that."""
        with self.turn:
            self.tags.pop(tag, None)
            self.deleted.discard(tag)

    def untagged(self, tag):
        with self.turn:
            self.tags.pop(tag, None)
            self.deleted.add(tag)

    def tags_of(self, digest):
        with self.turn:
            return [tag for tag, image in self.tags.items() if image.digest == digest]

    def deletable(self, own):
        """Images among a writer's own tags that neither a stable tag nor an index needs."""
        with self.turn:
            needed = {one.digest for tag, image in self.tags.items()
                      for one in (image.manifests() if tag in self.stable
                                  else image.manifests()[1:])}
            return [self.tags[tag] for tag in sorted(own)
                    if tag in self.tags and self.tags[tag].digest not in needed]


class Ledger:
    def __init__(self, repositories):
        self.repositories = [Repository(name) for name in repositories]
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.number = 10000
        self.deeds = 0
        self.problems = []

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def did(self):
        with self.lock:
            self.deeds += 1

    def fresh(self):
        with self.lock:
            self.number += 1
            return self.number

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def demands(self):
        """(repository, reference, image) of all that must pull."""
        for repository in self.repositories:
            for tag, image in sorted(repository.tags.items()):
                yield repository.name, tag, image
            for digest, image in sorted(repository.referrers.items()):
                yield repository.name, digest, image

    def absences(self):
        for repository in self.repositories:
            for tag in sorted(repository.deleted):
                yield repository.name, tag

    def untouchable(self):
        """What no collection may ever plan to take: (repository or None, digest)."""
        kept = set()
        for repository in self.repositories:
            images = [repository.tags[tag] for tag in repository.stable]
            for image in images + list(repository.referrers.values()):
                for digest in image.digests():
                    kept.update(((None, digest), (repository.name, digest)))
        return kept
