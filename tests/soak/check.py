"""When the load has ended: what was acknowledged pulls whole.

The reference may have been told, or have remembered, that something is there which was collected a
moment later. Of an image that lacks something for that reason drydock has to say so, and bring it
back at its next run. After that no excuse is left.
"""

import registry


class Checker:
    def __init__(self, run):
        self.run, self.ledger, self.tool = run, run.ledger, run.tool

    def broken(self):
        """(repository, reference) of what does not pull whole: why."""
        client, broken = registry.Client(self.run.address), {}
        for repository, reference, digest in self.ledger.demands():
            try:
                if client.pull(repository, reference) != digest:
                    self.ledger.problem("%s:%s is another image" % (repository, reference))
            except registry.Refused as refusal:
                broken[repository, reference] = str(refusal)
        return broken

    def check(self):
        broken = self.broken()
        self.run.server.restart()  # it forgets
        broken.update(self.broken())
        self.ledger.count("broken until the next run", len(broken))
        self.detected(broken)
        self.revive(broken)
        self.whole("after the next collection")
        self.run.server.restart()
        self.whole("after a restart of the registry")
        self.gone()

    def detected(self, broken):
        """verify names each broken image."""
        status, documents, _ = self.tool.run("verify", "--full")
        named = {image for one in documents for image in one.get("images", [])}
        for (repository, reference), why in broken.items():
            mark = "@" if reference.startswith("sha256:") else ":"
            if status == 0 or repository + mark + reference not in named:
                self.ledger.problem("verify does not name %s%s%s, which lacks something: %s" % (
                    repository, mark, reference, why))

    def revive(self, broken):
        _, plan, said = self.tool.collect("-m", "--grace", "0")
        self.ledger.count("revived at the end", plan["totals"]["revived_items"])
        if broken and not plan["totals"]["revived_items"]:
            self.ledger.problem("nothing came back for %s: %s" % (sorted(broken), said))
        # What was pushed whole, or has come back, is in doubt no more.
        _, plan, said = self.tool.collect("-m", "--grace", "0", wanted=(0,))
        if plan["totals"]["revived_items"]:
            self.ledger.problem("a second run still brings back %d" %
                                plan["totals"]["revived_items"])

    def whole(self, when):
        for (repository, reference), why in self.broken().items():
            self.ledger.problem("%s %s does not pull %s: %s" % (repository, reference, when, why))
        self.ledger.count("pulls verified", sum(1 for _ in self.ledger.demands()))

    def gone(self):
        """A tag that was deleted did not come back from the trash."""
        client = registry.Client(self.run.address)
        for repository, tag in self.ledger.absences():
            if client.has_manifest(repository, tag):
                self.ledger.problem("%s:%s was deleted, and is back" % (repository, tag))
            self.ledger.count("deleted tags that stay away")
