#!/usr/bin/env python3
"""Records what Linux does in the cases that test/kernel-facts.test.ts replays on our stack.

Run as root on Linux with iproute2:   python3 record-facts.py > ../fixtures/kernel-facts.json
Three network namespaces a - r - b on veth pairs are made and removed: 10.0.1.0/24 and 10.0.2.0/24, 2001:db8:1::/64
and 2001:db8:2::/64, the router being .254 and ::fe.
"""
import errno, json, os, platform, socket, struct, subprocess, sys, threading, time

NS = ["svla", "svlr", "svlb"]


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def setup():
    for ns in NS:
        subprocess.run(f"ip netns del {ns}", shell=True, stderr=subprocess.DEVNULL)
        sh(f"ip netns add {ns}")
        sh(f"ip -n {ns} link set lo up")
    sh("ip link add va netns svla type veth peer name vr0 netns svlr")
    sh("ip link add vb netns svlb type veth peer name vr1 netns svlr")
    for ns, dev, v4, v6 in [
        ("svla", "va", "10.0.1.1/24", "2001:db8:1::1/64"),
        ("svlr", "vr0", "10.0.1.254/24", "2001:db8:1::fe/64"),
        ("svlr", "vr1", "10.0.2.254/24", "2001:db8:2::fe/64"),
        ("svlb", "vb", "10.0.2.1/24", "2001:db8:2::1/64"),
    ]:
        sh(f"ip -n {ns} addr add {v4} dev {dev}")
        sh(f"ip -n {ns} addr add {v6} dev {dev} nodad")
        sh(f"ip -n {ns} link set {dev} up")
    sh("ip netns exec svlr sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    sh("ip -n svla route add default via 10.0.1.254; ip -n svla -6 route add default via 2001:db8:1::fe")
    sh("ip -n svlb route add default via 10.0.2.254; ip -n svlb -6 route add default via 2001:db8:2::fe")
    for kind, net in [("blackhole", 1), ("unreachable", 2), ("prohibit", 3)]:
        sh(f"ip -n svla route add {kind} 192.0.{net}.0/24")
        sh(f"ip -n svla -6 route add {kind} 2001:db8:f{net}::/48")
        sh(f"ip -n svlr route add {kind} 198.51.{net}.0/24")
        sh(f"ip -n svlr -6 route add {kind} 2001:db8:e{net}::/48")
    time.sleep(2)


def enter(ns):
    fd = os.open(f"/var/run/netns/{ns}", os.O_RDONLY)
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def code(call):
    try:
        call()
        return "ok"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


def sniff(dev, seconds, run):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((dev, 0))
    s.settimeout(0.1)
    run()
    frames, end = [], time.time() + seconds
    while time.time() < end:
        try:
            frames.append(s.recvfrom(70000))
        except socket.timeout:
            pass
    s.close()
    return [f for f, a in frames if f[12:14] in (b"\x08\x00", b"\x86\xdd")]


def icmp4(frames):
    out = []
    for f in frames:
        if f[12:14] != b"\x08\x00" or f[23] != 1 or f[34] in (0, 8):
            continue
        out.append({"type": f[34], "code": f[35], "length": struct.unpack("!H", f[16:18])[0], "tos": f[15],
                    "rest": struct.unpack("!I", f[38:42])[0], "source": socket.inet_ntoa(f[26:30]), "ttl": f[22]})
    return out


def icmp6(frames):
    out = []
    for f in frames:
        if f[12:14] != b"\x86\xdd" or f[20] != 58 or f[54] >= 128:
            continue
        out.append({"type": f[54], "code": f[55], "length": struct.unpack("!H", f[18:20])[0],
                    "rest": struct.unpack("!I", f[58:62])[0], "source": socket.inet_ntop(socket.AF_INET6, f[22:38]), "hops": f[21]})
    return out


def udp(family, to, port, size, ttl=None, tos=None, df=None):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if ttl is not None:
        s.setsockopt(*((0, socket.IP_TTL) if family == socket.AF_INET else (41, socket.IPV6_UNICAST_HOPS)), ttl)
    if tos is not None:
        s.setsockopt(0, socket.IP_TOS, tos)
    if df is not None:
        s.setsockopt(*((0, 10) if family == socket.AF_INET else (41, 23)), df)
    s.sendto(b"x" * size, (to, port))
    s.close()


def errors():
    """ICMP errors as they arrive at a: {case, sent: {...}, got: [...]}"""
    out = []
    def case(name, family, to, size, **kw):
        time.sleep(1.1)
        frames = sniff("va", 0.4, lambda: udp(family, to, 9, size, **kw))
        out.append({"case": name, "family": 4 if family == socket.AF_INET else 6, "to": to, "size": size, **kw,
                    "got": (icmp4 if family == socket.AF_INET else icmp6)(frames)})
    I4, I6 = socket.AF_INET, socket.AF_INET6
    udp(I4, "10.0.2.1", 9, 1); udp(I6, "2001:db8:2::1", 9, 1)
    for size in (10, 500, 600, 1400):
        case(f"port unreachable, {size} bytes", I4, "10.0.2.1", size)
    case("port unreachable, TOS 0x48", I4, "10.0.2.1", 10, tos=0x48)
    case("port unreachable, TOS 0x03", I4, "10.0.2.1", 10, tos=0x03)
    for size in (10, 1180, 1220, 1400):
        case(f"port unreachable, {size} bytes", I6, "2001:db8:2::1", size)
    case("TTL exceeded", I4, "10.0.2.1", 100, ttl=1)
    case("TTL 2 arrives", I4, "10.0.2.1", 100, ttl=2)
    case("hop limit exceeded", I6, "2001:db8:2::1", 100, ttl=1)
    case("no route at the router", I4, "203.0.113.1", 10)
    case("no route at the router", I6, "2001:db8:ffff::1", 10)
    for kind, net in [("blackhole", 1), ("unreachable", 2), ("prohibit", 3)]:
        case(f"{kind} at the router", I4, f"198.51.{net}.1", 10)
        case(f"{kind} at the router", I6, f"2001:db8:e{net}::1", 10)
    sh("ip -n svlr link set vr1 mtu 1300; ip -n svlb link set vb mtu 1300")
    case("too big with DF", I4, "10.0.2.1", 1400, df=2)
    case("too big", I6, "2001:db8:2::1", 1400)
    sh("ip -n svlr link set vr1 mtu 1500; ip -n svlb link set vb mtu 1500")
    return out


def burst():
    """How many of n port unreachables come for datagrams sent at once, and after a pause."""
    out = []
    for family, to in ((socket.AF_INET, "10.0.2.1"), (socket.AF_INET6, "2001:db8:2::1")):
        time.sleep(8)
        def run():
            s = socket.socket(family, socket.SOCK_DGRAM)
            for i in range(20):
                s.sendto(b"x", (to, 2000 + i))
        got = sniff("va", 0.5, run)
        out.append({"family": 4 if family == socket.AF_INET else 6, "sent": 20, "got": len((icmp4 if family == socket.AF_INET else icmp6)(got))})
    return out


def fragments():
    out = []
    for family, to, size in [(socket.AF_INET, "10.0.1.254", 3000), (socket.AF_INET, "10.0.1.254", 1473), (socket.AF_INET6, "2001:db8:1::fe", 3000), (socket.AF_INET6, "2001:db8:1::fe", 1453)]:
        frames = sniff("va", 0.3, lambda: udp(family, to, 9, size))
        got = []
        for f in frames:
            if family == socket.AF_INET and f[12:14] == b"\x08\x00" and f[23] == 17:
                w = struct.unpack("!H", f[20:22])[0]
                got.append({"length": struct.unpack("!H", f[16:18])[0], "offset": (w & 0x1fff) * 8, "more": bool(w & 0x2000), "df": bool(w & 0x4000)})
            if family == socket.AF_INET6 and f[12:14] == b"\x86\xdd" and f[20] == 44:
                w = struct.unpack("!H", f[56:58])[0]
                got.append({"length": struct.unpack("!H", f[18:20])[0], "offset": w & 0xfff8, "more": bool(w & 1), "next": f[54]})
        out.append({"family": 4 if family == socket.AF_INET else 6, "to": to, "size": size, "got": got})
    return out


def errnos():
    I4, I6, D = socket.AF_INET, socket.AF_INET6, socket.SOCK_DGRAM
    rows = []
    def row(name, call):
        rows.append({"case": name, "code": code(call)})
    def fresh(family, *options):
        s = socket.socket(family, D)
        for o in options:
            s.setsockopt(*o)
        return s
    for net, kind in ((1, "blackhole"), (2, "unreachable"), (3, "prohibit")):
        row(f"v4 send by {kind} route", lambda: fresh(I4).sendto(b"x", (f"192.0.{net}.1", 9)))
        row(f"v4 connect by {kind} route", lambda: fresh(I4).connect((f"192.0.{net}.1", 9)))
        row(f"v6 send by {kind} route", lambda: fresh(I6).sendto(b"x", (f"2001:db8:f{net}::1", 9)))
        row(f"v6 connect by {kind} route", lambda: fresh(I6).connect((f"2001:db8:f{net}::1", 9)))
    row("v4 broadcast without SO_BROADCAST", lambda: fresh(I4).sendto(b"x", ("10.0.1.255", 9)))
    row("v4 broadcast with SO_BROADCAST", lambda: fresh(I4, (1, socket.SO_BROADCAST, 1)).sendto(b"x", ("10.0.1.255", 9)))
    row("v4 limited broadcast without SO_BROADCAST", lambda: fresh(I4).sendto(b"x", ("255.255.255.255", 9)))
    row("v4 connect to broadcast without SO_BROADCAST", lambda: fresh(I4).connect(("10.0.1.255", 9)))
    row("v4 send unconnected", lambda: fresh(I4).send(b"x"))
    row("v4 send to port 0", lambda: fresh(I4).sendto(b"x", ("10.0.2.1", 0)))
    row("v4 65508 bytes", lambda: fresh(I4).sendto(b"x" * 65508, ("10.0.1.254", 9)))
    row("v4 65507 bytes", lambda: fresh(I4).sendto(b"x" * 65507, ("10.0.1.254", 9)))
    row("v4 1473 bytes, PMTUDISC_DO", lambda: fresh(I4, (0, 10, 2)).sendto(b"x" * 1473, ("10.0.1.254", 9)))
    row("v4 1472 bytes, PMTUDISC_DO", lambda: fresh(I4, (0, 10, 2)).sendto(b"x" * 1472, ("10.0.1.254", 9)))
    row("v4 1473 bytes, PMTUDISC_PROBE", lambda: fresh(I4, (0, 10, 3)).sendto(b"x" * 1473, ("10.0.1.254", 9)))
    row("v6 1453 bytes, DONTFRAG", lambda: fresh(I6, (41, 62, 1)).sendto(b"x" * 1453, ("2001:db8:1::fe", 9)))
    row("v6 1453 bytes, PMTUDISC_DO", lambda: fresh(I6, (41, 23, 2)).sendto(b"x" * 1453, ("2001:db8:1::fe", 9)))
    row("v4 bind to a foreign address", lambda: fresh(I4).bind(("10.9.9.9", 0)))
    row("v4 bind to a foreign address, IP_FREEBIND", lambda: fresh(I4, (0, 15, 1)).bind(("10.9.9.9", 0)))
    row("v4 bind to a group", lambda: fresh(I4).bind(("224.1.2.3", 5001)))
    row("v4 bind to the subnet's broadcast address", lambda: fresh(I4).bind(("10.0.1.255", 5001)))
    row("v6 bind to a foreign address", lambda: fresh(I6).bind(("2001:db8:9::9", 0)))
    row("v6 bind to link-local without interface", lambda: fresh(I6).bind(("fe80::1", 0)))
    row("v6 send to link-local without interface", lambda: fresh(I6).sendto(b"x", ("fe80::1", 9)))
    row("v6 connect to link-local without interface", lambda: fresh(I6).connect(("fe80::1", 9)))
    row("v6 send to a mapped address", lambda: fresh(I6).sendto(b"x", ("::ffff:10.0.2.1", 9)))
    row("v6only send to a mapped address", lambda: fresh(I6, (41, 26, 1)).sendto(b"x", ("::ffff:10.0.2.1", 9)))
    row("v6only bind to a mapped address", lambda: fresh(I6, (41, 26, 1)).bind(("::ffff:10.0.1.1", 0)))
    row("v4 TTL 0", lambda: fresh(I4).setsockopt(0, socket.IP_TTL, 0))
    row("v4 TTL 256", lambda: fresh(I4).setsockopt(0, socket.IP_TTL, 256))
    row("v4 MTU_DISCOVER 6", lambda: fresh(I4).setsockopt(0, 10, 6))
    row("v6 hops 256", lambda: fresh(I6).setsockopt(41, socket.IPV6_UNICAST_HOPS, 256))
    def twice(first, second, f1=I4, f2=I4, o1=(), o2=()):
        a = fresh(f1, *o1); a.bind(first); b = fresh(f2, *o2)
        try:
            b.bind(second)
        finally:
            a.close(); b.close()
    R, P, V6 = (1, socket.SO_REUSEADDR, 1), (1, socket.SO_REUSEPORT, 1), (41, 26, 1)
    row("bind any:7000, any:7000", lambda: twice(("", 7000), ("", 7000)))
    row("bind any:7000, 10.0.1.1:7000", lambda: twice(("", 7000), ("10.0.1.1", 7000)))
    row("bind 127.0.0.1:7000, 10.0.1.1:7000", lambda: twice(("127.0.0.1", 7000), ("10.0.1.1", 7000)))
    row("bind any:7000 twice, both REUSEADDR", lambda: twice(("", 7000), ("", 7000), o1=[R], o2=[R]))
    row("bind any:7000 twice, one REUSEADDR", lambda: twice(("", 7000), ("", 7000), o1=[R]))
    row("bind any:7000 twice, both REUSEPORT", lambda: twice(("", 7000), ("", 7000), o1=[P], o2=[P]))
    row("bind any:7000 twice, one REUSEPORT", lambda: twice(("", 7000), ("", 7000), o1=[P]))
    row("bind [::]:7000, 0.0.0.0:7000", lambda: twice(("::", 7000), ("", 7000), f1=I6))
    row("bind [::]:7000 v6only, 0.0.0.0:7000", lambda: twice(("::", 7000), ("", 7000), f1=I6, o1=[V6]))
    row("bind [::]:7000, 10.0.1.1:7000", lambda: twice(("::", 7000), ("10.0.1.1", 7000), f1=I6))
    row("bind [2001:db8:1::1]:7000, 0.0.0.0:7000", lambda: twice(("2001:db8:1::1", 7000), ("", 7000), f1=I6))
    row("bind [2001:db8:1::1]:7000, [::]:7000", lambda: twice(("2001:db8:1::1", 7000), ("::", 7000), f1=I6, f2=I6))
    def join(family, option, value, times=1):
        s = fresh(family)
        for _ in range(times):
            s.setsockopt(0 if family == I4 else 41, option, value)
    m4 = socket.inet_aton("224.1.2.3") + socket.inet_aton("10.0.1.1")
    row("v4 join", lambda: join(I4, socket.IP_ADD_MEMBERSHIP, m4))
    row("v4 join twice", lambda: join(I4, socket.IP_ADD_MEMBERSHIP, m4, 2))
    row("v4 join a unicast address", lambda: join(I4, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("10.1.2.3") + b"\0\0\0\0"))
    row("v4 leave a group not joined", lambda: join(I4, socket.IP_DROP_MEMBERSHIP, m4))
    def refused(family, to):
        s = fresh(family); s.connect((to, 9)); s.send(b"x"); time.sleep(0.3); s.send(b"x")
    time.sleep(2)
    row("v4 connected, port closed: next send", lambda: refused(I4, "10.0.2.1"))
    row("v6 connected, port closed: next send", lambda: refused(I6, "2001:db8:2::1"))
    def unrefused(family, to):
        s = fresh(family); s.sendto(b"x", (to, 9)); time.sleep(0.3); s.sendto(b"x", (to, 9))
    time.sleep(2)
    row("v4 unconnected, port closed: next send", lambda: unrefused(I4, "10.0.2.1"))
    return rows


def main():
    setup()
    enter("svla")
    try:
        facts = {"kernel": platform.release(), "command": "python3 test/kernel/record-facts.py", "errors": errors(), "burst": burst(),
                 "fragments": fragments(), "errnos": errnos()}
    finally:
        for ns in NS:
            sh(f"ip netns del {ns}")
    json.dump(facts, sys.stdout, indent=1)
    print()


main()
