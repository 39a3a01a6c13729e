"""A small volume with one of everything, and what must never leave it.

The reader below is a second opinion: it shares no code with the tool, and errs
on the side of nothing. It knows no doubt, because the volume holds none.
"""

import hashlib
import json
import os
import time

BASE = "docker/registry/v2/"
REPOSITORIES = BASE + "repositories/"
DAY = 86400
RECORDS = ".drydock/records"
OCI = "application/vnd.oci.image."
STALE_UPLOAD = "0b4a24b4-7e9c-4a35-8f0c-6d0b6ad0a001"
FRESH_UPLOAD = "0b4a24b4-7e9c-4a35-8f0c-6d0b6ad0a002"


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def blob_path(hexes):
    return "%sblobs/sha256/%s/%s/data" % (BASE, hexes[:2], hexes)


def layer_path(repository, hexes):
    return "%s%s/_layers/sha256/%s/link" % (REPOSITORIES, repository, hexes)


def revision_path(repository, hexes):
    return "%s%s/_manifests/revisions/sha256/%s/link" % (REPOSITORIES, repository, hexes)


def current_path(repository, tag):
    return "%s%s/_manifests/tags/%s/current/link" % (REPOSITORIES, repository, tag)


def history_path(repository, tag, hexes):
    return "%s%s/_manifests/tags/%s/index/sha256/%s/link" % (REPOSITORIES, repository, tag, hexes)


class Maker:
    """Writes a volume the way a registry does, and ages it."""

    def __init__(self, root):
        self.root = root

    def put(self, path, data):
        place = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(data)

    def remove(self, path):
        os.unlink(os.path.join(self.root, path))

    def link(self, path, hexes):
        self.put(path, b"sha256:" + hexes.encode())

    def blob(self, data):
        hexes = digest_of(data)
        self.put(blob_path(hexes), data)
        return hexes

    def descriptor(self, kind, hexes):
        size = os.path.getsize(os.path.join(self.root, blob_path(hexes)))
        return {"mediaType": OCI + kind, "digest": "sha256:" + hexes, "size": size}

    def layer(self, repository, text):
        hexes = self.blob(text.encode())
        self.link(layer_path(repository, hexes), hexes)
        return hexes

    def manifest(self, repository, body):
        body = dict({"schemaVersion": 2}, **body)
        hexes = self.blob(json.dumps(body).encode())
        self.link(revision_path(repository, hexes), hexes)
        return hexes

    def image(self, repository, config, layers, **more):
        body = {"mediaType": OCI + "manifest.v1+json",
                "config": self.descriptor("config.v1+json",
                                          self.layer(repository, '{"os":"%s"}' % config)),
                "layers": [self.descriptor("layer.v1.tar+gzip", self.layer(repository, text))
                           for text in layers]}
        return self.manifest(repository, dict(body, **more))

    def tag(self, repository, tag, hexes):
        self.link(history_path(repository, tag, hexes), hexes)
        self.link(current_path(repository, tag), hexes)

    def age(self, seconds):
        then = time.time() - seconds
        for directory, _, files in os.walk(self.root, topdown=False):
            for name in files + ["."]:
                os.utime(os.path.join(directory, name), (then, then))


def make(root):
    """Fills root. Answers what a collection must take: {option: [path]}."""
    os.makedirs(root)
    m = Maker(root)
    garbage, untagged = [], []

    # Tags, one of them moved once; a layer that two repositories share.
    a = m.image("app", "a", ["shared", "layer of a"])
    b = m.image("app", "b", ["shared", "layer of b"])
    old = m.image("app", "old", ["shared", "layer of old"])
    m.tag("app", "v1", old)
    m.tag("app", "v1", a)
    m.tag("app", "v2", b)
    untagged += [revision_path("app", old), history_path("app", "v1", old), blob_path(old),
                 layer_path("app", digest_of(b"layer of old")),
                 blob_path(digest_of(b"layer of old"))]
    # A referrer keeps without a tag.
    m.image("app", "signature", ["signed"], subject=m.descriptor("manifest.v1+json", a))

    # A nested repository with an index; its parent is a repository, too.
    children = [m.image("team/app/web", arch, ["layer of " + arch]) for arch in ("arm", "x86")]
    index = m.manifest("team/app/web", {
        "mediaType": OCI + "index.v1+json",
        "manifests": [m.descriptor("manifest.v1+json", child) for child in children]})
    m.tag("team/app/web", "multi", index)
    m.tag("team/app", "one", m.image("team/app", "one", ["shared", "layer of one"]))

    # A whole image that no tag names, beside one that is tagged.
    m.tag("lib", "kept", m.image("lib", "kept", ["shared"]))
    loose = m.image("lib", "loose", ["layer of loose"])
    untagged += [revision_path("lib", loose), blob_path(loose),
                 blob_path(digest_of(b"layer of loose"))]

    # A manifest deleted by API: its link went, the directory and all else stayed.
    gone = m.image("app", "gone", ["layer of gone"])
    m.tag("app", "v2", gone)
    m.tag("app", "v2", b)
    m.remove(revision_path("app", gone))
    garbage += [history_path("app", "v2", gone), blob_path(gone),
                layer_path("app", digest_of(b"layer of gone")),
                blob_path(digest_of(b"layer of gone"))]

    # Blobs without a link, and links that nothing uses: with a blob, and without.
    garbage += [blob_path(m.blob(text)) for text in (b"orphan", b"another orphan")]
    garbage += [layer_path("lib", m.layer("lib", "unused")), blob_path(digest_of(b"unused"))]
    m.link(layer_path("lib", digest_of(b"never came")), digest_of(b"never came"))
    garbage.append(layer_path("lib", digest_of(b"never came")))

    # Writes that were cut short long ago.
    stale = "%slib/_uploads/%s/" % (REPOSITORIES, STALE_UPLOAD)
    m.put(stale + "startedat", b"2020-01-01T00:00:00Z")
    m.put(stale + "data", b"half a lay")
    m.put(stale + "hashstates/sha256/10", b"state")
    temporary = revision_path("app", gone) + ".5b0f1c2e-33aa-4a43-9f42-000000000001.tmp"
    leftover = current_path("lib", "kept") + ".5b0f1c2e-33aa-4a43-9f42-000000000002.tmp"
    m.put(temporary, b"sha256:")
    m.put(leftover, b"sha256:")
    garbage += [stale + "data", temporary]

    m.age(30 * DAY)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    fresh = "%slib/_uploads/%s/" % (REPOSITORIES, FRESH_UPLOAD)
    m.put(fresh + "startedat", started.encode())
    m.put(fresh + "data", b"still comi")
    return {"gc": garbage, "untagged": untagged, "leftovers": [leftover],
            "kept": [fresh + "data"], "loose": loose}


def push_again(root, loose):
    """A client pushes a collected image; the registry thinks that it has the bytes."""
    m = Maker(root)
    m.link(revision_path("lib", loose), loose)
    m.tag("lib", "again", loose)


def link_again(root, loose):
    """A push that broke off: links of a collected image, and neither its bytes nor a tag."""
    m = Maker(root)
    m.link(layer_path("lib", digest_of(b"layer of loose")), digest_of(b"layer of loose"))
    m.link(revision_path("lib", loose), loose)


def damage(root, loose):
    """
    One of everything that repairing mends: links that say nothing or are missing, a tag without
    its link, a blob whose bytes lie in the trash, one that is misplaced, one that is rotten and
    needed by nobody, and what was left behind. Nothing of it changes what is reachable.
    """
    m = Maker(root)
    kept = digest_of(b"shared")
    a, b = digest_of(b"layer of a"), digest_of(b"layer of b")
    m.put(layer_path("app", a), b"")
    m.put(layer_path("lib", kept), b"sha256:" + kept.encode() + b"\n")
    m.remove(layer_path("app", b))
    one = os.listdir(os.path.join(root, REPOSITORIES, "team/app/_manifests/tags/one/index/sha256"))
    m.put(current_path("team/app", "one"), b"")
    m.remove(revision_path("team/app", one[0]))
    m.link(revision_path("team/app", one[0]), one[0])
    # The registry thinks that it has these bytes; the trash has them.
    push_again(root, loose)
    # Misplaced, by somebody's hand.
    arm = digest_of(b"layer of arm")
    stray = "%sblobs/sha256/%02x/%s/data" % (BASE, int(arm[:2], 16) ^ 1, arm)
    m.put(stray, b"layer of arm")
    m.remove(blob_path(arm))
    os.rmdir(os.path.dirname(os.path.join(root, blob_path(arm))))
    # Rotten, and of no image.
    m.put(blob_path(digest_of(b"rotten")), b"r0tten")
    m.put(layer_path("lib", kept) + ".5b0f1c2e-33aa-4a43-9f42-000000000003.tmp", b"sha256:")
    m.age(20 * DAY)


def damage_ahead(root, loose):
    """
    What is only seen when something else is mended: an image whose bytes come from the trash, and
    whose links are lost, too; a link that could have been of it; one to what is rotten; a manifest
    of an index that has lost its link, and a layer's.
    """
    m = Maker(root)
    m.tag("lib", "again", loose)
    m.link(layer_path("lib", digest_of(b"never there")), digest_of(b"never there"))
    m.layer("lib", "rotten")
    m.put(blob_path(digest_of(b"rotten")), b"r0tten")
    web = os.path.join(root, REPOSITORIES, "team/app/web/_manifests")
    index, = os.listdir(web + "/tags/multi/index/sha256")
    child = sorted(set(os.listdir(web + "/revisions/sha256")) - {index})[0]
    for path in (revision_path("team/app/web", child),
                 layer_path("team/app/web", digest_of(b"layer of arm"))):
        m.remove(path)
        os.rmdir(os.path.dirname(os.path.join(root, path)))
    m.age(20 * DAY)


def record(payload):
    """A line of the records."""
    return digest_of(payload)[:16].encode() + b" " + payload + b"\n"


def pile_up(root, loose):
    """Records that are worth little, and of which a run makes fewer; and some that are not."""
    worthy = [record(b"acknowledged 1 app sha256:" + digest_of(b"x").encode()),
              record(b"predicted by-a-later-version %"), b"0123456789abcdef a damaged line\n"]
    pulls = [record(b"pulled %d team/app/of/a/long/name/%03d v1" % (1000 * time_ + name, name))
             for time_ in range(1, 21) for name in range(60)]
    with open(os.path.join(root, RECORDS), "ab") as file:
        file.write(b"".join(worthy + pulls))


# --- the second opinion ------------------------------------------------------


def remembered(data):
    """What must not be lost of the records, as {what it is about: how much is known of it}."""
    facts = {}
    for line in data.splitlines():
        words = line.split(b" ")
        if words[1:2] == [b"pulled"] and record(line[17:])[:-1] == line:
            about = tuple(words[3:])
            facts[about] = max(facts.get(about, 0), int(words[2]))
        elif words[1:2] not in ([b"collecting"], [b"collected"], [b"pulls-known"], [b"compacted"]):
            facts[line] = 1
    return facts


class Repository:
    def __init__(self):
        self.tags = {}       # tag -> digest
        self.revisions = set()
        self.layers = set()
        self.history = set()  # (tag, digest)


def repositories_of(files):
    """{name: Repository} from {path: bytes}."""
    found = {}
    for path, data in files.items():
        if not path.startswith(REPOSITORIES):
            continue
        name, slash, rest = path[len(REPOSITORIES):].partition("/_")
        part = rest.split("/")
        if not slash or part[-1] != "link":
            continue
        repository = found.setdefault(name, Repository())
        target = data.decode().partition("sha256:")[2]
        if part[:2] == ["manifests", "tags"] and part[3] == "current":
            repository.tags[part[2]] = target
        elif part[:2] == ["manifests", "tags"]:
            repository.history.add((part[2], part[5]))
        elif part[:2] == ["manifests", "revisions"]:
            repository.revisions.add(part[3])
        elif part[0] == "layers":
            repository.layers.add(part[2])
    return found


def parse(files, hexes):
    try:
        body = json.loads(files[blob_path(hexes)])
    except (KeyError, ValueError):
        body = None
    return body if isinstance(body, dict) else {}


def named(descriptors):
    return [d["digest"].partition("sha256:")[2] for d in descriptors if d]


def reach(files, delete_untagged):
    """({path}, {hexes}): files that must stay as they are, and digests that are in use."""
    must, used = set(), set()
    for name, repository in repositories_of(files).items():
        pending = set(repository.tags.values())
        if not delete_untagged:
            pending |= repository.revisions
        manifests = set()
        while pending:
            hexes = pending.pop()
            manifests.add(hexes)
            body = parse(files, hexes)
            parts = named([body.get("config")] + body.get("layers", []))
            used.update([hexes] + parts)
            must.update(layer_path(name, part) for part in parts)
            pending.update(named(body.get("manifests", [])))
            pending.update(other for other in repository.revisions
                           if named([parse(files, other).get("subject")]) == [hexes])
            pending -= manifests
        must.update(revision_path(name, hexes) for hexes in manifests)
        must.update(current_path(name, tag) for tag in repository.tags)
        must.update(history_path(name, tag, hexes) for tag, hexes in repository.history
                    if hexes in manifests)
    must.update(blob_path(hexes) for hexes in used)
    return {path for path in must if path in files}, used


def is_history(path):
    return "/_manifests/tags/" in path and "/index/" in path


def dangling(files):
    """Links whose blob is not there."""
    found = set()
    for path, data in files.items():
        if path.startswith(REPOSITORIES) and path.endswith("/link"):
            hexes = data.decode(errors="replace").partition("sha256:")[2]
            if blob_path(hexes) not in files:
                found.add(path)
    return found
