#!/usr/bin/env python3
"""Sequences of valid requests, changed at random: HOST:PORT SEED COUNT.

Whatever is sent, the reply is HTTP, no reply is a 500, what is served under a digest has it, and the
server goes on. The same seed sends the same.
"""

import hashlib
import json
import random
import re
import socket
import sys

IMAGE = "application/vnd.oci.image.manifest.v1+json"
NASTY = [
    b"%00", b"%2f", b"%2e%2e", b"..", b"/", b"//", b"?", b"&", b"=", b"#", b"%", b"%zz", b"\0", b"\r\n", b"\n",
    b"\xff\xfe", b" ", b"\t", b":", b",", b";", b"\"", b"-", b"-1", b"0", b"18446744073709551615",
    b"18446744073709551616", b"99999999999999999999999", b"9223372036854775807", b"0x10", b"1e9", b"A" * 300,
    b"a/" * 130, b"sha512:" + b"0" * 128, b"sha256:" + b"0" * 64, b"sha256:", b"bytes=0-", b"bytes=-0", b"bytes=1-0",
    b"bytes=0-0,2-3", b"0-18446744073709551615", b"5-3", b"uploads", b"blobs", b"manifests", b"tags", b"list",
    b"referrers", b"_catalog", b"_uploads", b"n=0", b"n=-1", b"n=99999999999", b"last=%ff", b"mount=", b"from=",
    b"digest=", b"tag=", b"artifactType=%00",
]
TOGETHER = 250  # connections at once: some the server ends only after a while
HEADERS = [
    b"Range: bytes=1-2", b"Range: bytes=-3", b"Range: bytes=18446744073709551615-", b"Range: bytes=0-0, 1-1",
    b"Content-Range: 0-4", b"Content-Range: 3-9", b"Content-Range: 0-18446744073709551614", b"Content-Length: 0",
    b"Content-Length: 5", b"Content-Length: 99", b"Content-Length: -1", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity", b"Expect: 100-continue", b"Expect: what", b"Connection: close",
    b"Connection: Upgrade", b"Upgrade: h2c", b"If-None-Match: *", b"If-None-Match: \"sha256:0\"",
    b"Authorization: Basic OjpB", b"Authorization: Bearer a.b.c", b"Authorization: ", b"X-Forwarded-Host: a b",
    b"X-Forwarded-Proto: gopher", b"Host: ", b"Content-Type: " + b"x" * 400, b"Accept: */*", b" folded: yes",
    b"NoColon", b"Content-Encoding: gzip",
]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def request(method, path, body=b"", headers=(), last=False):
    head = [f"{method} {path} HTTP/1.1", "Host: fuzz"]
    head += headers
    if last:
        head.append("Connection: close")
    if body or method in ("POST", "PUT", "PATCH"):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=20)
        self.data = self.sent = b""

    def send(self, data, pieces=1):
        self.sent += data
        step = max(1, len(data) // pieces)
        try:
            for at in range(0, len(data), step):
                self.socket.sendall(data[at:at + step])
        except OSError:
            return

    def finish(self, close=True):
        """All that comes back; close: nothing more is sent."""
        try:
            if close:
                self.socket.shutdown(socket.SHUT_WR)
            while True:
                part = self.socket.recv(65536)
                if not part:
                    break
                self.data += part
        except TimeoutError:
            sys.exit(f"the server hangs: {self.sent[-700:]}")
        except OSError:
            pass
        self.socket.close()
        return self.data


class Fuzz:
    def __init__(self, address, seed):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.random = random.Random(seed)
        self.seen = {}
        self.blobs = [b"", b"hello", bytes(range(256)) * 1200]
        self.config = b"{}"
        layer = self.blobs[1]
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2,
                       "digest": digest(self.config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": len(layer),
                        "digest": digest(layer)}],
        }).encode()

    def ask(self, data):
        connection = Connection(self.host, self.port)
        connection.send(data)
        return connection.finish(False)

    def must(self, status, data):
        reply = self.ask(data)
        if not reply.startswith(f"HTTP/1.1 {status}".encode()):
            sys.exit(f"wanted {status}: {data[:200]}\n{reply[:400]}")
        return reply

    def push(self):
        for blob in [*self.blobs, self.config]:
            self.must(201, request("POST", f"/v2/app/blobs/uploads/?digest={digest(blob)}", blob, last=True))
        self.must(201, request("PUT", "/v2/app/manifests/v1", self.manifest, [f"Content-Type: {IMAGE}"], True))

    def check(self):
        for blob in self.blobs:
            reply = self.must(200, request("GET", f"/v2/app/blobs/{digest(blob)}", last=True))
            if reply.split(b"\r\n\r\n", 1)[1] != blob:
                sys.exit("a blob is another")
        self.must(200, request("GET", f"/v2/app/manifests/{digest(self.manifest)}", last=True))

    def upload(self):
        reply = self.ask(request("POST", "/v2/app/blobs/uploads/", last=True))
        found = re.search(rb"Docker-Upload-UUID: (\S+)", reply, re.I)
        return "/v2/app/blobs/uploads/" + (found[1].decode() if found else "none")

    def sequence(self):
        blob = self.random.choice(self.blobs)
        of_blob, of_manifest = digest(blob), digest(self.manifest)
        choice = self.random.randrange(10)
        if choice == 0:
            return [request("GET", f"/v2/app/blobs/{of_blob}"), request("HEAD", f"/v2/app/blobs/{of_blob}")]
        if choice == 1:
            return [request("GET", f"/v2/app/blobs/{of_blob}", headers=["Range: bytes=1-3"])]
        if choice == 2:
            return [request("GET", "/v2/app/manifests/v1", headers=[f"Accept: {IMAGE}"]),
                    request("HEAD", f"/v2/app/manifests/{of_manifest}")]
        if choice == 3:
            return [request("PUT", f"/v2/app/manifests/{of_manifest}?tag=v2&tag=v3", self.manifest,
                            [f"Content-Type: {IMAGE}"])]
        if choice == 4:
            return [request("GET", "/v2/app/tags/list?n=2&last=v1"), request("GET", "/v2/_catalog?n=5"),
                    request("GET", f"/v2/app/referrers/{of_manifest}?artifactType=a")]
        if choice == 5:
            return [request("POST", f"/v2/other/blobs/uploads/?mount={of_blob}&from=app")]
        if choice == 6:
            at, half = self.upload(), len(blob) // 2
            return [request("PATCH", at, blob[:half], [f"Content-Range: 0-{max(half, 1) - 1}"]), request("GET", at),
                    request("PUT", f"{at}?digest={of_blob}", blob[half:])]
        if choice == 7:
            at, chunk = self.upload(), b"%x\r\n" % len(blob) + blob + b"\r\n" if blob else b""
            return [f"PATCH {at} HTTP/1.1\r\nHost: fuzz\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                    + chunk + b"0\r\n\r\n", request("DELETE", at)]
        if choice == 8:
            return [request("POST", f"/v2/app/blobs/uploads/?digest={of_blob}", blob)]
        return [request("DELETE", "/v2/app/manifests/v2"), request("GET", "/v2/")]

    def change(self, data):
        head = data.find(b"\r\n\r\n") + 4
        at = self.random.randrange(min(len(data), head + 40))
        choice = self.random.randrange(9)
        if choice == 0:
            return data[:at] + bytes([self.random.randrange(256)]) + data[at + 1:]
        if choice == 1:
            return data[:at] + self.random.choice(NASTY) + data[at:]
        if choice == 2:
            return data[:at] + data[at + self.random.randrange(1, 20):]
        if choice == 3:
            return data[:at]
        if choice in (4, 5):
            line = data.find(b"\r\n") + 2
            return data[:line] + self.random.choice(HEADERS) + b"\r\n" + data[line:]
        if choice == 6:
            lines = data[:head].split(b"\r\n")
            lines.insert(self.random.randrange(len(lines) + 1), lines[self.random.randrange(len(lines))])
            return b"\r\n".join(lines) + data[head:]
        if choice == 7:
            method = self.random.choice([b"GET", b"HEAD", b"PUT", b"POST", b"PATCH", b"DELETE", b"get", b"", b"X" * 99])
            return method + data[data.find(b" "):]
        end = data.find(b" HTTP/")
        return data[:end] + self.random.choice([b"?", b"&"]) + self.random.choice(NASTY) + data[end:]

    def look(self, sent, reply):
        if reply and not reply.startswith(b"HTTP/1."):
            sys.exit(f"no HTTP: {reply[:200]}\n{sent[:400]}")
        for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", reply):
            self.seen[status] = self.seen.get(status, 0) + 1
            if status == b"500":
                sys.exit(f"500: {sent[:600]}\n{reply[-600:]}")

    def run(self, count):
        self.push()
        for at in range(0, count, TOGETHER):
            connections = [self.begin() for _ in range(min(TOGETHER, count - at))]
            for connection in connections:
                if self.random.randrange(20):
                    self.look(connection.sent, connection.finish())
                else:
                    connection.socket.close()
        self.check()
        print(" ".join(f"{status.decode()}:{count}" for status, count in sorted(self.seen.items())))

    def begin(self):
        sequence = self.sequence()
        for _ in range(self.random.randrange(1, 4)):
            which = self.random.randrange(len(sequence))
            if sequence[which]:
                sequence[which] = self.change(sequence[which])
        connection = Connection(self.host, self.port)
        for data in sequence:
            connection.send(data, self.random.choice([1, 1, 2, 7]))
        return connection


Fuzz(sys.argv[1], int(sys.argv[2])).run(int(sys.argv[3]))
