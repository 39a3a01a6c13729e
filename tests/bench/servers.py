"""The servers that are compared: how each is started, what it serves from where."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request

from timing import BUILD, HERE, PROGRAMS, Failed, say

SCRIPTS = os.path.join(HERE, "..", "..", "script")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def go_program(name):
    """Its path, or None where it cannot be built."""
    found = subprocess.run([os.path.join(SCRIPTS, "go-program"), name], text=True, check=False,
                           env=dict(os.environ, BUILD=BUILD), stdout=subprocess.PIPE)
    return found.stdout.strip() if found.returncode == 0 else None


class Server:
    """One that is started for a while: `with server:`; what it wrote goes with it."""

    name = None
    pushes = True
    syncs = False  # can do what pushing costs the disk, and nothing else
    manifest = "/v2/bench/served/manifests/latest"
    blob = "/v2/bench/served/blobs/%s"

    def __init__(self, place):
        self.place = os.path.join(place, self.name.replace(" ", "-"))
        self.port, self.process = None, None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        shutil.rmtree(self.place, ignore_errors=True)
        os.makedirs(os.path.join(self.place, "volume"))
        self.port = free_port()
        self.prepare()
        with open(os.path.join(self.place, "talk"), "wb") as talk:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=talk,
                                            stderr=talk)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.__exit__()
        raise Failed("%s does not answer on port %d" % (self.name, self.port))

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)

    def prepare(self):
        pass

    def write(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def anonymous(self):
        """Kilobytes of memory that lie in no file, of it and of what it started."""
        total, wanted = 0, [self.process.pid]
        for pid in wanted:
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
                wanted += [int(child) for child in file.read().split()]
            with open("/proc/%d/status" % pid, encoding="ascii") as file:
                for line in file:
                    if line.startswith("RssAnon:"):
                        total += int(line.split()[1])
        return total


REGISTRY_CONFIG = """version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %s}
  cache: {blobdescriptor: inmemory}
  delete: {enabled: true}
http: {addr: "127.0.0.1:%d", secret: none}
"""


class Registry(Server):
    def __init__(self, place, name, binary):
        self.name, self.binary = name, binary
        super().__init__(place)

    def prepare(self):
        self.write("config.yml",
                   REGISTRY_CONFIG % (os.path.join(self.place, "volume"), self.port))

    def command(self):
        return [self.binary, "serve", os.path.join(self.place, "config.yml")]


class Drydockd(Registry):
    def __init__(self, place):
        super().__init__(place, "drydockd", os.path.join(BUILD, "drydockd"))

    def command(self):
        return ["env", "DRYDOCK_CACHE=" + os.path.join(self.place, "cache"), self.binary,
                "--no-access-log", "--config", os.path.join(self.place, "config.yml")]


class Zot(Server):
    name = "zot"

    def __init__(self, place, binary):
        self.binary = binary
        super().__init__(place)

    def prepare(self):
        self.write("config.json", json.dumps({
            "storage": {"rootDirectory": os.path.join(self.place, "volume"), "gc": False},
            "http": {"address": "127.0.0.1", "port": str(self.port)},
            "log": {"level": "error"}}))

    def command(self):
        return [self.binary, "serve", os.path.join(self.place, "config.json")]


class Static(Server):
    """Serves the same bytes as plain files: what it is given lies in the volume."""

    pushes = False

    def give(self, manifest, blob):
        for name, data in (("manifest", manifest), ("blob", blob)):
            with open(os.path.join(self.place, "volume", name), "wb") as file:
                file.write(data)

    def __init__(self, place, manifest, blob):
        self.bytes = manifest, blob
        super().__init__(place)

    def prepare(self):
        self.give(*self.bytes)


class Nginx(Static):
    name, manifest, blob = "nginx", "/manifest", "/blob"

    def prepare(self):
        super().prepare()
        self.write("nginx.conf", """
            daemon off; pid %(place)s/pid; worker_processes 2; error_log %(place)s/error.log;
            user root;
            events { worker_connections 2048; }
            http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
                   open_file_cache max=1000; open_file_cache_valid 1s;
                   default_type %(type)s;
                   client_body_temp_path %(place)s; proxy_temp_path %(place)s;
                   fastcgi_temp_path %(place)s; uwsgi_temp_path %(place)s; scgi_temp_path %(place)s;
                   server { listen 127.0.0.1:%(port)d; root %(place)s/volume; } }
            """ % {"place": self.place, "port": self.port, "type": MANIFEST})

    def command(self):
        return ["nginx", "-c", os.path.join(self.place, "nginx.conf"), "-e",
                os.path.join(self.place, "error.log")]


class Floor(Static):
    name, manifest, blob, syncs = "floor", "/manifest", "/blob", True

    def command(self):
        volume = os.path.join(self.place, "volume")
        return [os.path.join(PROGRAMS, "floor-serve"), str(self.port),
                os.path.join(volume, "manifest"), os.path.join(volume, "blob")]

    def push(self, *words):
        """Seconds that the disk took for what pushing so much writes and syncs, by floor-push."""
        pushed = os.path.join(self.place, "pushed")
        out = subprocess.run([os.path.join(PROGRAMS, "floor-push")] +
                             [str(word) for word in words] + [pushed], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
        shutil.rmtree(pushed)
        return float(out.split()[0])


def all_of(place, manifest, blob):
    """Whatever is installed, ours first."""
    found = [Drydockd(place)]
    if shutil.which("docker-registry"):
        found.append(Registry(place, "registry 2.8.2", "docker-registry"))
    binary = go_program("registry")
    if binary:
        found.append(Registry(place, "registry 3.1.1", binary))
    if os.environ.get("ZOT"):
        found.append(Zot(place, os.environ["ZOT"]))
    if shutil.which("nginx"):
        found.append(Nginx(place, manifest, blob))
    found.append(Floor(place, manifest, blob))
    return found


# Pushing what will be served.

def request(server, method, path, data=None, kind=None):
    headers = {"Content-Type": kind} if kind else {}
    asked = urllib.request.Request(path if path.startswith("http") else server.url(path),
                                   data=data, method=method, headers=headers)
    with urllib.request.urlopen(asked) as answer:
        answer.read()
        return answer


def push_blob(server, repository, digest, data):
    begun = request(server, "POST", "/v2/%s/blobs/uploads/" % repository, b"")
    where = begun.headers["Location"]
    request(server, "PUT", "%s%sdigest=%s" % (where, "&" if "?" in where else "?", digest), data,
            "application/octet-stream")


def push(server, manifest, blobs):
    for digest, data in blobs.items():
        push_blob(server, "bench/served", digest, data)
    request(server, "PUT", server.manifest, manifest, MANIFEST)
    say("%s has what it is to serve" % server.name)
