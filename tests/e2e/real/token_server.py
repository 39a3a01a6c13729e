#!/usr/bin/python3
"""A token server, as small as one can be: distribution's token specification, with openssl's signature.

usage: token_server.py KEY CERTIFICATE

Says "at PORT" and serves until it is killed. alice (wonder) gets whatever she asks for; others may pull
what begins with "public/". Environment: TOKEN_HEADER, TOKEN_CLAIMS: JSON merged into what it signs.
"""
import base64
import http.server
import json
import os
import subprocess
import sys
import time
import urllib.parse


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def der(path):
    lines = open(path, encoding="ascii").read().split("-----")[2]
    return "".join(lines.split())


def sign(claims, key, certificate):
    header = {"typ": "JWT", "alg": "RS256", "x5c": [der(certificate)]}
    header.update(json.loads(os.environ.get("TOKEN_HEADER", "{}")))
    claims.update(json.loads(os.environ.get("TOKEN_CLAIMS", "{}")))
    text = b64(json.dumps(header).encode()) + b"." + b64(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text,
                               stdout=subprocess.PIPE, check=True).stdout
    return (text + b"." + b64(signature)).decode()


def granted(user, scopes):
    for scope in scopes:
        kind, name, actions = scope.rsplit(":", 2)
        actions = actions.split(",")
        if user != "alice":
            actions = ["pull"] if name.startswith("public/") and "pull" in actions else []
        yield {"type": kind, "name": name, "actions": actions}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        shown = self.headers.get("Authorization", "")
        user = ""
        if shown:
            if base64.b64decode(shown.split()[-1]) != b"alice:wonder":
                self.send_error(401)
                return
            user = "alice"
        scopes = [one for text in query.get("scope", []) for one in text.split()]
        now = int(time.time())
        claims = {"iss": "the-issuer", "aud": query["service"][0], "sub": user, "nbf": now - 5,
                  "exp": now + 300, "access": list(granted(user, scopes))}
        body = json.dumps({"token": sign(claims, sys.argv[1], sys.argv[2])}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("at", server.server_address[1], flush=True)
server.serve_forever()
