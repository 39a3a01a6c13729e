"""Uploads that are begun and left, at the server HOST:PORT.

A thousand by connections that are open all at once, each in the midst of a chunk until something is said on
standard input; it prints where the last one is. Then nine thousand by eight connections.
"""
import re
import resource
import socket
import sys
import threading

HELD, EACH, AT_ONCE, WORKERS = 1000, 45, 25, 8
POST = b"POST /v2/app/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def read_replies(connection, count):
    data = b""
    while data.count(b"\r\n\r\n") < count:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data


def leave_in_a_chunk(address):
    connection = socket.create_connection(address, timeout=120)
    connection.sendall(POST)
    reply = read_replies(connection, 1)
    target = re.search(rb"\r\nLocation: http://[^/]*(\S+)", reply).group(1)
    connection.sendall(b"PATCH " + target + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    connection.sendall(bytes(100000))
    return connection, target


def begin_many(address, begun):
    connection = socket.create_connection(address, timeout=120)
    for _ in range(EACH):
        connection.sendall(POST * AT_ONCE)
        begun.append(read_replies(connection, AT_ONCE).count(b"HTTP/1.1 202 "))


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    address = host, int(port)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = [leave_in_a_chunk(address) for _ in range(HELD)]
    print(held[-1][1].decode(), flush=True)
    sys.stdin.readline()
    for connection, _ in held:
        connection.close()
    begun = []
    threads = [threading.Thread(target=begin_many, args=[address, begun]) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0 if sum(begun) == EACH * AT_ONCE * WORKERS else f"{begun}"


sys.exit(main())
