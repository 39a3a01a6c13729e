"""Clients that push, retag, delete and give up, each with tags of its own in shared repositories."""

import random
import threading
import time

import content
import registry

TRIES = 40  # of one push: what is refused beside a collection is pushed again


class Writer(threading.Thread):
    def __init__(self, number, run):
        super().__init__(name="writer %d" % number)
        self.run_of = run
        self.ledger, self.pool, self.stop = run.ledger, run.pool, run.stop
        self.fate = random.Random("%s writer %d %d" % (run.seed, number, run.epoch))
        self.client = registry.Client(run.address, run.kills and run.exact)
        self.tags = ["w%d-%d" % (number, one) for one in range(5)]

    def run(self):
        deeds = [(self.push_any, 6), (self.push_again, 3), (self.retag, 4), (self.swing, 4),
                 (self.delete_tag, 2 if self.run_of.deletes_tags else 0),
                 (self.delete_manifest, 2), (self.delete_blob, 1 if self.run_of.exact else 0),
                 (self.abandon, 1), (self.push_by_digest, 2), (self.refer, 1)]
        try:
            while not self.stop.is_set():
                deed, = self.fate.choices([one for one, _ in deeds], [often for _, often in deeds])
                deed(self.fate.choice(self.ledger.repositories))
                self.ledger.did()
                self.stop.wait(self.fate.uniform(0, self.run_of.pause))
        except Exception as error:  # noqa: it ends the run, with its reason
            self.ledger.problem("%s: %s: %s" % (self.name, type(error).__name__, error))
            self.stop.set()

    # ---- deeds ----

    def push_any(self, repository):
        self.push(repository, self.fate.choice(self.tags), self.pool.any(self.fate,
                                                                         self.ledger.fresh))
        self.ledger.count("pushes")

    def push_again(self, repository):
        tag = self.fate.choice(self.tags)
        image = repository.tags.get(tag)
        if image and self.push(repository, tag, image):
            self.ledger.count("re-pushes")

    def retag(self, repository):
        """The manifest is sent alone: it was there a moment ago."""
        image = repository.tags.get(self.fate.choice(self.tags))
        if image and self.push(repository, self.fate.choice(self.tags), image, alone=True):
            self.ledger.count("retags")

    def swing(self, repository):
        """A tag to and fro between two images, of which none is sent again."""
        numbers = random.Random("%s %s" % (repository.name, self.tags[0])).sample(
            range(self.pool.IMAGES), 2)
        there = repository.tags.get(self.tags[0])
        images = [self.pool.image(number) for number in numbers]
        image = images[1] if there and there.digest == images[0].digest else images[0]
        self.push(repository, self.tags[0], image, alone=True)
        self.ledger.count("retags")

    def push_by_digest(self, repository):
        image = self.pool.image(self.fate.randrange(self.pool.IMAGES))
        self.push(repository, None, image)
        self.stop.wait(self.fate.uniform(0, self.run_of.pause))
        self.push(repository, self.fate.choice(self.tags), image, alone=True)
        self.ledger.count("pushes")

    def refer(self, repository):
        """A referrer of what is always tagged."""
        subject = repository.tags[self.fate.choice(sorted(repository.stable))]
        image = self.pool.referrer(subject, self.fate.randrange(5))
        if self.push(repository, None, image):
            with repository.turn:
                repository.referrers[image.digest] = image
        self.ledger.count("pushes")

    def delete_tag(self, repository):
        tag = self.fate.choice(self.tags)
        if tag not in repository.tags:
            return
        repository.begin_push()
        try:
            if self.delete(repository, "manifests", tag):
                repository.untagged(tag)
                self.ledger.count("deletions")
            else:
                repository.doubtful(tag)
        finally:
            repository.end_push()

    def delete_manifest(self, repository):
        repository.begin_deletion()
        try:
            images = repository.deletable(self.tags)
            if not images:
                return
            digest = self.fate.choice(images).digest
            done = self.delete(repository, "manifests", digest)
            for tag in repository.tags_of(digest):
                (repository.untagged if done else repository.doubtful)(tag)
            self.ledger.count("deletions" if done else "refused deletions")
        finally:
            repository.end_deletion()

    def delete_blob(self, repository):
        """One that nothing needs; now and then there is one."""
        data = b"nobody needs it %d" % self.fate.randrange(20)
        try:
            self.send_blob(repository, content.digest_of(data), data)
        except registry.Refused:
            self.ledger.count("refusals")
        if self.delete(repository, "blobs", content.digest_of(data)):
            self.ledger.count("deletions")

    def delete(self, repository, what, reference):
        """Whether it was done. No deletion waits for a collection's end."""
        began = time.monotonic()
        status = self.client.delete(repository.name, what, reference)
        if self.run_of.exact and status not in (202, 404) and not self.run_of.was_out(began):
            self.ledger.problem("DELETE %s %s in %s: %s" % (what, reference, repository.name,
                                                            status))
        return status == 202

    def abandon(self, repository):
        try:
            location = self.client.begin_upload(repository.name)
            self.client.append(location, self.fate.randbytes(500))
            self.ledger.count("abandoned uploads")
        except registry.Refused:
            self.ledger.count("refusals")

    # ---- pushing ----

    def push(self, repository, tag, image, alone=False):
        """Until it is acknowledged; tag None: by its digest."""
        repository.begin_push()
        try:
            for attempt in range(TRIES):
                began = time.monotonic()
                try:
                    if not alone or attempt:
                        self.send(repository, image)
                        self.think()
                    self.put(repository, tag, image)
                    return True
                except registry.Refused as refusal:
                    self.ledger.count("refusals")
                    last = refusal
                    self.run_of.up.wait(registry.LIMIT)
                    # What is sent alone may never have been there.
                    if self.in_vain(began) and (attempt or not alone):
                        break
                    self.stop.wait(self.fate.uniform(0, 0.02 * attempt))
            self.ledger.problem("%s:%s cannot be pushed: %s" % (repository.name, tag, last))
            return False
        finally:
            repository.end_push()

    def think(self):
        """Between being told and relying on it: collections get their chance."""
        if self.run_of.exact and self.fate.random() < 0.5:
            self.stop.wait(self.fate.uniform(0, self.run_of.patience / 2))

    def in_vain(self, began):
        """There is no excuse: it was told what is there, and that holds still."""
        return self.run_of.keeps_since(began)

    def put(self, repository, tag, image):
        if tag:
            repository.doubtful(tag)
        self.client.put_manifest(repository.name, tag or image.digest, image)
        if tag:
            repository.tagged(tag, image)

    def send(self, repository, image):
        """All that it names, as far as the registry says that it lacks it."""
        for digest, data in image.blobs.items():
            if not self.client.has_blob(repository.name, digest):
                self.send_blob(repository, digest, data)
        for child in image.children:
            if not self.client.has_manifest(repository.name, child.digest):
                self.send(repository, child)
                self.client.put_manifest(repository.name, child.digest, child)

    def send_blob(self, repository, digest, data):
        query = ""
        if self.fate.random() < 0.5:
            query = "?mount=%s&from=%s" % (digest, self.fate.choice(self.ledger.repositories).name)
        location = self.client.begin_upload(repository.name, query)
        if not location:
            self.ledger.count("mounts")
            return
        if self.fate.random() < 0.3:
            half = len(data) // 2
            location = self.client.append(location, data[:half])
            self.stop.wait(self.fate.uniform(0, self.run_of.pause))
            data = data[half:]
        self.client.end_upload(location, digest, data)
        self.ledger.count("uploads")


class Puller(threading.Thread):
    """Pulls what writers push, slowly: whoever has the manifest has been told of its parts, whatever
    becomes of tag and image meanwhile."""

    def __init__(self, number, run):
        super().__init__(name="puller %d" % number)
        self.run_of, self.ledger, self.stop = run, run.ledger, run.stop
        self.fate = random.Random("%s puller %d %d" % (run.seed, number, run.epoch))
        self.client = registry.Client(run.address, run.kills and run.exact)

    def run(self):
        try:
            while not self.stop.is_set():
                repository = self.fate.choice(self.ledger.repositories)
                tags = sorted(repository.tags)
                if tags:
                    self.pull(repository, self.fate.choice(tags))
                self.stop.wait(self.fate.uniform(0, self.run_of.pause))
        except Exception as error:  # noqa: it ends the run, with its reason
            self.ledger.problem("%s: %s: %s" % (self.name, type(error).__name__, error))
            self.stop.set()

    def pull(self, repository, tag):
        began = time.monotonic()
        try:
            manifest = self.client.get_manifest(repository.name, tag)
        except registry.Refused:
            return  # it was moved or deleted
        self.stop.wait(self.fate.uniform(0, self.run_of.patience / 2))
        try:
            self.client.pull_parts(repository.name, manifest)
            self.ledger.count("slow pulls")
        except registry.Refused as refusal:
            if self.run_of.keeps_since(began):
                self.ledger.problem("%s:%s broke while it was pulled: %s" % (
                    repository.name, tag, refusal))


class Reader(threading.Thread):
    """Pulls what nobody touches: it is whole at every moment. Beside a writer of the reference's a link
    may read as empty for a moment (2.8 writes in place), so that one failure alone proves nothing."""

    TRIES = 100

    def __init__(self, run):
        super().__init__(name="reader")
        self.run_of, self.ledger, self.stop = run, run.ledger, run.stop
        self.client = registry.Client(run.address, run.kills and run.exact)

    def run(self):
        wanted = [(repository.name, tag) for repository in self.ledger.repositories
                  for tag in sorted(repository.stable)]
        try:
            while not self.stop.is_set():
                for repository, tag in wanted:
                    self.pull(repository, tag)
                    self.stop.wait(0.2)
        except Exception as error:  # noqa: it ends the run, with its reason
            self.ledger.problem("%s: %s: %s" % (self.name, type(error).__name__, error))
            self.stop.set()

    def pull(self, repository, tag):
        for _ in range(self.TRIES):
            began = time.monotonic()
            try:
                self.client.pull(repository, tag)
                return self.ledger.count("pulls meanwhile")
            except registry.Refused as refusal:
                last = refusal
                self.run_of.up.wait(registry.LIMIT)
                if self.run_of.keeps_since(began):
                    break
                self.ledger.count("retried pulls")
                self.stop.wait(0.05)
                if self.stop.is_set():
                    return None
        raise last
