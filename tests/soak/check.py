"""When the load has ended: what was acknowledged pulls whole.

The reference may have been told, or have remembered, that something is there which was collected a
moment later. Of an image that lacks something for that reason drydock has to say so, and bring it
back at its next run. After that no excuse is left.
"""

import json

import registry


class Checker:
    def __init__(self, run):
        self.run, self.ledger, self.tool = run, run.ledger, run.tool

    def broken(self):
        """(repository, reference) of what does not pull whole: its image, and why."""
        client, broken = registry.Client(self.run.address), {}
        for repository, reference, image in self.ledger.demands():
            try:
                if client.pull(repository, reference) != image.digest:
                    self.ledger.problem("%s:%s is another image" % (repository, reference))
            except registry.Refused as refusal:
                broken[repository, reference] = image, str(refusal)
        return broken

    def check_exact(self):
        """No excuse, neither before it forgets nor after it was killed."""
        self.whole("right after the load")
        self.run.server.kill()
        self.run.server.start()
        self.whole("after it was killed")
        _, plan, _ = self.tool.collect("-m", "--grace", "0", wanted=(0,))
        self.ledger.count("revived at the end", plan["totals"]["revived_items"])
        self.whole("after the next collection")
        # Of a run that was killed something untagged may have lacked its layers until now.
        status, found, said = self.tool.run("verify", "--full")
        if status:
            self.ledger.problem("verify: %s %s" % (json.dumps(found)[:2000], said.strip()))
        self.gone()
        self.alone()

    def check(self):
        if self.run.exact:
            self.check_exact()
            return
        broken = self.broken()
        self.run.server.restart()  # it forgets
        broken.update(self.broken())
        self.ledger.count("broken until the next run", len(broken))
        self.detected(broken)
        self.revive()
        self.whole("after the next collection")
        self.run.server.restart()
        self.whole("after a restart of the registry")
        self.gone()

    def detected(self, broken):
        """verify names each broken image; the plan says what comes back for it."""
        _, documents, _ = self.tool.run("verify", "--full")
        named = {image for one in documents for image in one.get("images", [])}
        _, (plan,), _ = self.tool.run("gc", "-m", "--grace", "0")
        back = {one["digest"] for one in plan["revivals"]}
        for (repository, reference), (image, why) in broken.items():
            name = repository + ("@" if reference.startswith("sha256:") else ":") + reference
            self.ledger.count("of those named by verify", name in named)
            if name not in named or not back & image.digests():
                self.ledger.problem("%s lacks something, which nothing %s: %s" % (
                    name, "brings back" if name in named else "names", why))

    def revive(self):
        _, plan, _ = self.tool.collect("-m", "--grace", "0")
        self.ledger.count("revived at the end", plan["totals"]["revived_items"])
        # What was pushed whole, or has come back, is in doubt no more.
        _, plan, _ = self.tool.collect("-m", "--grace", "0", wanted=(0,))
        if plan["totals"]["revived_items"]:
            self.ledger.problem("a second run still brings back %d" %
                                plan["totals"]["revived_items"])

    def whole(self, when):
        for (repository, reference), (_, why) in self.broken().items():
            self.ledger.problem("%s %s does not pull %s: %s" % (repository, reference, when, why))
        self.ledger.count("pulls verified", sum(1 for _ in self.ledger.demands()))

    def alone(self):
        """Whatever was killed, it has taken nothing of its own for another's."""
        if self.run.server.said("somebody else writes"):
            self.ledger.problem("it says that somebody else writes to its volume")

    def gone(self):
        """A tag that was deleted did not come back from the trash."""
        client = registry.Client(self.run.address)
        for repository, tag in self.ledger.absences():
            if client.has_manifest(repository, tag):
                self.ledger.problem("%s:%s was deleted, and is back" % (repository, tag))
            self.ledger.count("deleted tags that stay away")
