"""A network namespace with eth0, the other end of its wire as a raw socket, and the few codecs that the recordings need."""

import ctypes, json, os, socket, struct, subprocess, threading, time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
HOST_MAC = bytes.fromhex("020000000001")


def sh(command, check=True):
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}")
    return done.stdout


def setns(name):
    with open(f"/run/netns/{name}") as handle:
        if LIBC.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def in_ns(name, function):
    """Calls `function` in a thread of its own that lives in the namespace."""
    result = []

    def body():
        try:
            setns(name)
            result.append(function())
        except Exception as error:  # handed to the caller
            result.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


class Wire:
    def __init__(self, name):
        self.ns, self.far = f"sv{os.getpid()}{name}", f"sw{os.getpid()}{name}"
        sh(f"ip netns add {self.ns}; ip netns add {self.far}")
        self.run("sysctl -qw net.ipv6.conf.default.dad_transmits=1", check=False)
        sh(f"ip -n {self.ns} link set lo up")
        sh(f"ip -n {self.ns} link add eth0 address 02:00:00:00:00:01 type veth peer name peer netns {self.far}")
        sh(f"ip netns exec {self.far} sysctl -qw net.ipv6.conf.peer.disable_ipv6=1")
        sh(f"ip -n {self.far} link set peer arp off up promisc on")

        def tap():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            raw.bind(("peer", 0))
            raw.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
            return raw

        self.raw = in_ns(self.far, tap)
        self.frames, self.marks = [], []
        self.stopped = False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        self.raw.settimeout(0.1)
        while not self.stopped:
            try:
                data, extra, _, address = self.raw.recvmsg(9000, 256)
            except socket.timeout:
                continue
            if address[2] == 4:  # PACKET_OUTGOING: our own
                continue
            at = time.time()
            for level, kind, value in extra:
                if kind == 35:
                    seconds, nanos = struct.unpack("qq", value[:16])
                    at = seconds + nanos / 1e9
            self.frames.append((at, data))

    def run(self, command, check=True):
        return sh(f"ip netns exec {self.ns} {command}", check)

    def up(self):
        self.t0 = time.time()
        self.run("ip link set eth0 up")

    def send(self, frame):
        self.raw.send(frame)

    def since(self, t0, wanted=lambda frame: True):
        return [{"ms": round((at - t0) * 1000), "frame": data.hex()} for at, data in list(self.frames) if at >= t0 - 0.001 and wanted(data)]

    def neighbours(self, family):
        out = json.loads(self.run(f"ip -j -{family} neigh show dev eth0 nud all"))
        return {entry["dst"]: entry for entry in out}

    def close(self):
        self.stopped = True
        self.thread.join()
        sh(f"ip netns del {self.ns}; ip netns del {self.far}", check=False)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(text):
    return socket.inet_aton(text)


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def summed(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def arp(operation, sha, spa, tha, tpa, to):
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac(sha) + ip4(spa) + mac(tha) + ip4(tpa)
    return mac(to) + mac(sha) + b"\x08\x06" + body.ljust(46, b"\0")


def icmp6(source, destination, body, from_mac, to_mac, hops=255, router_alert=False):
    src, dst = ip6(source), ip6(destination)
    pseudo = src + dst + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", summed(pseudo + body[:2] + b"\0\0" + body[4:])) + body[4:]
    if router_alert:
        body, following = bytes([58, 0, 5, 2, 0, 0, 1, 0]) + body, 0
    else:
        following = 58
    header = struct.pack("!IHBB", 6 << 28, len(body), following, hops) + src + dst
    return mac(to_mac) + mac(from_mac) + b"\x86\xdd" + header + body


def igmp(source, destination, body, from_mac):
    body = body[:2] + struct.pack("!H", summed(body[:2] + b"\0\0" + body[4:])) + body[4:]
    options = bytes([0x94, 4, 0, 0])
    header = struct.pack("!BBHHHBBH4s4s", 0x46, 0xC0, 24 + len(body), 0, 0, 1, 2, 0, ip4(source), ip4(destination)) + options
    header = header[:10] + struct.pack("!H", summed(header)) + header[12:]
    group = ip4(destination)
    to = bytes([1, 0, 0x5E, group[1] & 0x7F, group[2], group[3]])
    return to + mac(from_mac) + b"\x08\x00" + header + body


def lladdr_option(kind, address):
    return bytes([kind, 1]) + mac(address)


def is_arp(frame):
    return frame[12:14] == b"\x08\x06"


def icmp6_type(frame):
    if frame[12:14] != b"\x86\xdd":
        return None
    if frame[20] == 58:
        return frame[54]
    if frame[20] == 0 and frame[54] == 58:
        return frame[62]
    return None


def is_igmp(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 2
