"""Sockets of this kernel, driven from outside: a JSON object a line on standard input, one answer a line on standard output.

{"id": 1, "do": "connect", "fd": 0, ...} is answered {"id": 1, "value": ...} or {"id": 1, "error": "ECONNREFUSED"}. Each command has a
thread of its own, so that blocking calls do not wait for one another.
"""
import errno
import hashlib
import json
import socket
import struct
import sys
import threading
import time

sockets = {}
lock = threading.Lock()
LEVELS = {"SOL_SOCKET": socket.SOL_SOCKET, "IPPROTO_TCP": socket.IPPROTO_TCP, "IPPROTO_IP": socket.IPPROTO_IP,
          "IPPROTO_IPV6": socket.IPPROTO_IPV6}
NUMBERS = {"TCP_FASTOPEN_CONNECT": 30, "TCP_FASTOPEN_NO_COOKIE": 34, "TCP_QUICKACK": 12, "IP_MTU_DISCOVER": 10,
           "IP_MTU": 14, "IPV6_MTU": 24, "SIOCINQ": 0x541B}
# A prime: a byte from the wrong place is a wrong byte.
PERIOD = 999_983


def number(name):
    return NUMBERS.get(name) or getattr(socket, name)


def keep(sock):
    with lock:
        fd = len(sockets)
        sockets[fd] = sock
    return fd


def stream(seed):
    return memoryview(hashlib.shake_128(seed.encode()).digest(PERIOD) * 2)


def do_socket(args):
    sock = socket.socket(socket.AF_INET6 if args["family"] == 6 else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return keep(sock)


def do_setopt(args):
    value = args["value"]
    if isinstance(value, list):
        value = struct.pack("@%di" % len(value), *value)
    elif isinstance(value, str):
        value = value.encode()
    sockets[args["fd"]].setsockopt(LEVELS[args["level"]], number(args["name"]), value)


def do_getopt(args):
    sock = sockets[args["fd"]]
    if "length" in args:
        return sock.getsockopt(LEVELS[args["level"]], number(args["name"]), args["length"]).hex()
    return sock.getsockopt(LEVELS[args["level"]], number(args["name"]))


def do_bind(args):
    sockets[args["fd"]].bind((args["address"], args["port"]))


def do_listen(args):
    sockets[args["fd"]].listen(args["backlog"])


def do_accept(args):
    sock, peer = sockets[args["fd"]].accept()
    return {"fd": keep(sock), "port": peer[1]}


def do_connect(args):
    sockets[args["fd"]].connect((args["address"], args["port"]))


def do_port(args):
    return sockets[args["fd"]].getsockname()[1]


def do_send(args):
    return sockets[args["fd"]].send(bytes.fromhex(args["hex"]), args.get("flags", 0))


def do_sendto(args):
    return sockets[args["fd"]].sendto(bytes.fromhex(args["hex"]), args["flags"], (args["address"], args["port"]))


def do_recv(args):
    return sockets[args["fd"]].recv(args["max"], args.get("flags", 0)).hex()


def do_shutdown(args):
    sockets[args["fd"]].shutdown(args["how"])


def do_close(args):
    sockets[args["fd"]].close()


def do_pour(args):
    """Sends so many bytes of the stream; answers their SHA-256."""
    sock, twice, left = sockets[args["fd"]], stream(args["seed"]), args["bytes"]
    digest, at = hashlib.sha256(), 0
    while left > 0:
        piece = twice[at:at + min(left, 262_144)]
        sock.sendall(piece)
        digest.update(piece)
        left -= len(piece)
        at = (at + len(piece)) % PERIOD
    return digest.hexdigest()


def do_drain(args):
    """Reads until the end; answers how much it was, its SHA-256, and the seconds from the first byte to the end."""
    sock, into, total, digest, began = sockets[args["fd"]], bytearray(262_144), 0, hashlib.sha256(), None
    view, pause = memoryview(into)[:args.get("piece", 262_144)], args.get("pause", 0)
    while True:
        count = sock.recv_into(view)
        began = began or time.monotonic()
        if count == 0:
            return {"bytes": total, "hash": digest.hexdigest(), "seconds": time.monotonic() - began}
        total += count
        digest.update(view[:count])
        if pause > 0:
            time.sleep(pause)


def answer(sock):
    sock.sendall(sock.recv(65_536).upper())
    sock.close()


def do_serve(args):
    """Accepts so many connections as they come, and answers each in capitals."""
    for _ in range(args["count"]):
        sock, _ = sockets[args["fd"]].accept()
        threading.Thread(target=answer, args=(sock,), daemon=True).start()


def do_echo(args):
    """Sends back what comes, until the end."""
    sock, total = sockets[args["fd"]], 0
    while True:
        data = sock.recv(65_536)
        if not data:
            return total
        sock.sendall(data)
        total += len(data)


def do_type(args):
    """Keystrokes, each sent when the one before has come back: the round trips in ms."""
    sock, times = sockets[args["fd"]], []
    for i in range(args["count"]):
        began = time.monotonic()
        sock.sendall(b"%c" % (97 + i % 26))
        if sock.recv(1) != b"%c" % (97 + i % 26):
            raise OSError(errno.EPROTO, "another character came back")
        times.append((time.monotonic() - began) * 1000)
        time.sleep(args["pause"])
    return times


def do_write(args):
    with open(args["path"], "w") as file:
        file.write(args["text"])


def do_read(args):
    return "".join(open(path).read() for path in args["paths"])


def run(command):
    answer = {"id": command["id"]}
    try:
        answer["value"] = globals()["do_" + command["do"]](command)
    except OSError as error:
        answer["error"] = errno.errorcode.get(error.errno, str(error))
    except Exception as error:
        answer["error"] = repr(error)
    with lock:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


for line in sys.stdin:
    threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()
