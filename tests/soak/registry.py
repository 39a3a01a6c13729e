"""A registry as a process and as a client sees it."""

import http.client
import json
import os
import subprocess
import time
import urllib.parse

import content

ACCEPT = ", ".join((content.MANIFEST, content.INDEX))
NO_ANSWER = "no answer"
LIMIT = 60  # seconds: only a registry that hangs takes so long


class Refused(Exception):
    """It answered otherwise than asked for: nothing is acknowledged."""

    def __init__(self, what, status, body=b""):
        super().__init__("%s: %s %s" % (what, status, body[:200].decode(errors="replace")))
        self.status = status


class Server:
    def __init__(self, command, address, log):
        self.command, self.address, self.log = command, address, log
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        until = time.monotonic() + LIMIT
        while True:
            try:
                return Client(self.address).get("/v2/")
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("%s does not serve: see %s" % (
                        self.command[0], self.log)) from error
                time.sleep(0.05)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT)

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT)

    def said(self, words):
        with open(self.log, errors="replace") as log:
            return any(words in line for line in log)

    def child(self):
        """A process that it has started and waits for; None if there is none."""
        try:
            for task in os.listdir("/proc/%d/task" % self.process.pid):
                with open("/proc/%d/task/%s/children" % (self.process.pid, task)) as children:
                    for child in children.read().split():
                        return int(child)
        except OSError:
            pass  # it has ended, or that thread of it has
        return None

    def restart(self):
        self.stop()
        self.start()


class Client:
    """One connection; each thread has its own."""

    def __init__(self, address, may_die=False):
        self.address, self.may_die = address, may_die
        self.connection = http.client.HTTPConnection(address, timeout=LIMIT)

    def ask(self, method, path, body=None, headers=None):
        """One that was open when the registry died is opened anew."""
        if self.may_die and self.connection.sock:
            try:
                return self.ask_once(method, path, body, headers)
            except Refused as refusal:
                if refusal.status != NO_ANSWER:
                    raise
        return self.ask_once(method, path, body, headers)

    def ask_once(self, method, path, body, headers):
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except http.client.IncompleteRead as error:
            # It remembers how large the blob is, and finds no bytes.
            self.connection.close()
            raise Refused("%s %s" % (method, path), "cut short") from error
        except (http.client.HTTPException, OSError) as error:
            self.connection.close()
            if self.may_die:
                raise Refused("%s %s" % (method, path), NO_ANSWER) from error
            raise ConnectionError("%s %s: %r" % (method, path, error)) from error

    def want(self, wanted, method, path, body=None, headers=None):
        status, answered, data = self.ask(method, path, body, headers)
        if status != wanted:
            raise Refused("%s %s" % (method, path.split("?")[0]), status, data)
        return answered, data

    def get(self, path, headers=None):
        return self.want(200, "GET", path, None, headers)[1]

    # ---- blobs ----

    def has_blob(self, repository, digest):
        return self.ask("HEAD", "/v2/%s/blobs/%s" % (repository, digest))[0] == 200

    def begin_upload(self, repository, query=""):
        """Where the bytes go; None: what was to be mounted is."""
        path = "/v2/%s/blobs/uploads/%s" % (repository, query)
        status, headers, data = self.ask("POST", path, b"")
        if status == 201:
            return None
        if status != 202:
            raise Refused("POST " + path, status, data)
        return self.location(headers)

    @staticmethod
    def location(headers):
        where = urllib.parse.urlsplit(headers["Location"])
        return where.path + ("?" + where.query if where.query else "")

    def append(self, location, data):
        headers, _ = self.want(202, "PATCH", location, data,
                               {"Content-Type": "application/octet-stream"})
        return self.location(headers)

    def end_upload(self, location, digest, data=b""):
        mark = "&" if "?" in location else "?"
        self.want(201, "PUT", "%s%sdigest=%s" % (location, mark, digest), data,
                  {"Content-Type": "application/octet-stream"})

    # ---- manifests ----

    def has_manifest(self, repository, reference):
        return self.ask("HEAD", "/v2/%s/manifests/%s" % (repository, reference), None,
                        {"Accept": ACCEPT})[0] == 200

    def put_manifest(self, repository, reference, image):
        self.want(201, "PUT", "/v2/%s/manifests/%s" % (repository, reference), image.data,
                  {"Content-Type": image.media_type})

    def delete(self, repository, what, reference):
        """The status: 202 is "done", 0 no answer."""
        try:
            return self.ask("DELETE", "/v2/%s/%s/%s" % (repository, what, reference))[0]
        except Refused:
            return 0

    # ---- pulling ----

    def pull(self, repository, reference):
        """All of it, each part held against its digest: the manifest's own is returned."""
        path = "/v2/%s/manifests/%s" % (repository, reference)
        data = self.get(path, {"Accept": ACCEPT})
        digest = content.digest_of(data)
        if reference.startswith("sha256:") and digest != reference:
            raise Refused("GET " + path, "other bytes")
        self.pull_parts(repository, json.loads(data))
        return digest

    def get_manifest(self, repository, reference):
        path = "/v2/%s/manifests/%s" % (repository, reference)
        return json.loads(self.get(path, {"Accept": ACCEPT}))

    def pull_parts(self, repository, manifest):
        for child in manifest.get("manifests", []):
            self.pull(repository, child["digest"])
        for part in [manifest.get("config"), *manifest.get("layers", [])]:
            if part:
                self.pull_blob(repository, part)

    def pull_blob(self, repository, part):
        path = "/v2/%s/blobs/%s" % (repository, part["digest"])
        if content.digest_of(self.get(path)) != part["digest"]:
            raise Refused("GET " + path, "other bytes")
