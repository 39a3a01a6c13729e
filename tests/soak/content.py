"""What is pushed: images out of a small pool of layers, so that the same bytes come and go.

Everything follows from the seed and a number; an image is made anew whenever it is wanted.
"""

import hashlib
import json
import random

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SPDX = "application/spdx+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """A manifest or an index, with all that it names."""

    def __init__(self, media_type, document, blobs=(), children=()):
        self.media_type = media_type
        self.data = json.dumps(document, separators=(",", ":")).encode()
        self.digest = digest_of(self.data)
        self.blobs = {digest_of(blob): blob for blob in blobs}
        self.children = list(children)

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}

    def manifests(self):
        return [self] + [one for child in self.children for one in child.manifests()]

    def digests(self):
        """Of all bytes that a pull reads."""
        return {digest for one in self.manifests() for digest in (one.digest, *one.blobs)}


def blob_descriptor(media_type, data):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


class Pool:
    """LAYERS layers, IMAGES images of them; an image of a higher number has a layer of its own."""

    LAYERS, IMAGES, INDEXES = 16, 20, 5

    def __init__(self, seed):
        self.seed = seed

    def layer(self, number):
        fate = random.Random("%s layer %s" % (self.seed, number))
        return fate.randbytes(fate.choice((100, 700, 5000, 30000)))

    def image(self, number):
        fate = random.Random("%s image %s" % (self.seed, number))
        layers = [self.layer(one) for one in fate.sample(range(self.LAYERS), fate.randint(1, 3))]
        if number >= self.IMAGES:
            layers.append(self.layer("of image %s" % number))
        config = json.dumps({"architecture": "amd64", "os": "linux", "number": number}).encode()
        return Image(MANIFEST, {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": blob_descriptor(CONFIG, config),
            "layers": [blob_descriptor(LAYER, layer) for layer in layers]}, [config, *layers])

    def index(self, number):
        fate = random.Random("%s index %s" % (self.seed, number))
        children = [self.image(one) for one in fate.sample(range(self.IMAGES), 2)]
        return Image(INDEX, {
            "schemaVersion": 2, "mediaType": INDEX,
            "manifests": [child.descriptor() for child in children]}, (), children)

    def any(self, fate, fresh):
        """One in eight is an index, one in eight was never pushed: "fresh" gives its number."""
        draw = fate.randrange(8)
        if draw == 0:
            return self.index(fate.randrange(self.INDEXES))
        return self.image(fresh() if draw == 1 else fate.randrange(self.IMAGES))

    def referrer(self, subject, number):
        bill = b"bill of materials %d of %s" % (number, subject.digest.encode())
        return Image(MANIFEST, {
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SPDX,
            "config": blob_descriptor("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [blob_descriptor(SPDX, bill)],
            "subject": subject.descriptor()}, [b"{}", bill])
