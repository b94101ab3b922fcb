#!/usr/bin/env python3
"""Asks the running kernel what the tests of this folder hold us to, and writes ../fixtures/linux-neighbours.json.

    sudo python3 packages/stack/test/kernel/record.py

Needs root, iproute2 and ping; takes about 30 s. Every recording lives in network namespaces of its own.
"""

import json, os, platform, socket, struct, subprocess, sys, threading, time
from wire import *

PEER = "02:00:00:00:00:99"
OTHER = "02:00:00:00:00:77"
BCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES_MAC = "33:33:00:00:00:01"
LL = "fe80::99"


def state(entry):
    if entry is None:
        return {"state": None}
    return {"state": entry["state"][0], "lladdr": entry.get("lladdr"), "router": "router" in entry}


def arp_unresolved(w):
    w.up()
    w.run("ip addr add 10.9.0.1/24 dev eth0")
    t0 = time.time()
    out = w.run("ping -c 1 -W 6 10.9.0.2", check=False)
    return {"requests": w.since(t0, is_arp), "unreachable": "Destination Host Unreachable" in out, "ms": round((time.time() - t0) * 1000), "end": state(w.neighbours(4).get("10.9.0.2"))}


def nd_unresolved(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0")
    w.up()
    w.run("ip addr add 2001:db8::1/64 dev eth0 nodad")
    time.sleep(0.1)
    t0 = time.time()
    out = w.run("ping -6 -c 1 -W 6 2001:db8::2", check=False)
    ns = lambda f: icmp6_type(f) == 135 and f[38:54] == ip6("ff02::1:ff00:2")
    return {"solicitations": w.since(t0, ns), "unreachable": "unreachable" in out.lower(), "ms": round((time.time() - t0) * 1000), "end": state(w.neighbours(6).get("2001:db8::2"))}


def addresses(w):
    """The global addresses; `ip -j` leaves empty objects where its filter left others out."""
    shown = json.loads(w.run("ip -j -6 addr show dev eth0 scope global"))
    return [a for link in shown for a in link.get("addr_info", []) if "local" in a]


def follow(w, family, key, seconds):
    """The states of an entry as time goes, when they change."""
    seen, t0 = [], time.time()
    while time.time() - t0 < seconds:
        now = state(w.neighbours(family).get(key))["state"]
        if not seen or seen[-1]["state"] != now:
            seen.append({"ms": round((time.time() - t0) * 1000), "state": now})
        time.sleep(0.05)
    return seen


def arp_probe(w):
    w.up()
    w.run("ip addr add 10.9.0.1/24 dev eth0")
    w.run(f"ip neigh replace 10.9.0.2 lladdr {PEER} dev eth0 nud stale")
    t0 = time.time()
    w.run("bash -c 'echo > /dev/udp/10.9.0.2/9'")
    states = follow(w, 4, "10.9.0.2", 9.5)
    return {"states": states, "requests": w.since(t0, is_arp)}


def nd_probe(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0")
    w.up()
    w.run("ip addr add 2001:db8::1/64 dev eth0 nodad")
    w.run(f"ip neigh replace 2001:db8::2 lladdr {PEER} dev eth0 nud stale")
    t0 = time.time()
    w.run("bash -c 'echo > /dev/udp/2001:db8::2/9'")
    states = follow(w, 6, "2001:db8::2", 9.5)
    return {"states": states, "solicitations": w.since(t0, lambda f: icmp6_type(f) == 135 and f[62:78] == ip6("2001:db8::2"))}


def put(w, keys, name, send):
    """Brings the neighbours `keys` into the state called `name`."""
    batch = []
    for key in keys:
        if name in ("reachable", "stale", "probe", "permanent", "noarp"):
            batch.append(f"neigh replace {key} lladdr {PEER} dev eth0 nud {name}")
        elif name == "delay":
            batch.append(f"neigh replace {key} lladdr {PEER} dev eth0 nud stale")
    if batch:
        done = subprocess.run(["ip", "-n", w.ns, "-batch", "-"], input="\n".join(batch) + "\n", text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    if name in ("delay", "incomplete"):
        in_ns(w.ns, lambda: [send(key) for key in keys])


def arp_updates(w):
    """What every kind of ARP message makes of an entry in every state."""
    w.up()
    w.run("ip addr add 10.9.0.1/16 dev eth0")
    for name in ("ucast_solicit", "mcast_solicit"):
        w.run(f"sysctl -qw net.ipv4.neigh.eth0.{name}=9")
    time.sleep(0.2)
    messages = []
    for who, sha in (("same", PEER), ("other", OTHER)):
        messages += [
            (f"reply-unicast-{who}", lambda ip, sha=sha: arp(2, sha, ip, "02:00:00:00:00:01", "10.9.0.1", "02:00:00:00:00:01")),
            (f"reply-broadcast-{who}", lambda ip, sha=sha: arp(2, sha, ip, "02:00:00:00:00:01", "10.9.0.1", BCAST)),
            (f"request-for-us-{who}", lambda ip, sha=sha: arp(1, sha, ip, "00:00:00:00:00:00", "10.9.0.1", BCAST)),
            (f"request-for-another-{who}", lambda ip, sha=sha: arp(1, sha, ip, "00:00:00:00:00:00", "10.9.99.99", BCAST)),
            (f"gratuitous-request-{who}", lambda ip, sha=sha: arp(1, sha, ip, "00:00:00:00:00:00", ip, BCAST)),
            (f"gratuitous-reply-{who}", lambda ip, sha=sha: arp(2, sha, ip, sha, ip, BCAST)),
        ]
    udp = lambda key: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (key, 9))
    rows = []
    for age in ("fresh", "aged"):
        for number, name in enumerate(("none", "incomplete", "reachable", "stale", "delay", "probe", "permanent", "noarp")):
            ips = [f"10.9.{number + (10 if age == 'aged' else 30)}.{i + 1}" for i in range(len(messages))]
            put(w, ips, name, udp)
            if age == "aged":
                time.sleep(1.15)
            before = w.neighbours(4)
            for (label, make), ip in zip(messages, ips):
                w.send(make(ip))
            time.sleep(0.12)
            after = w.neighbours(4)
            for (label, make), ip in zip(messages, ips):
                start = "NONE" if name == "none" else state(before.get(ip))["state"]
                rows.append({"age": age, "from": start, "message": label, **state(after.get(ip))})
    return rows


def na_updates(w):
    """What every advertisement makes of an entry in every state (RFC 4861 §7.2.5)."""
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0")
    w.up()
    w.run("ip addr add 2001:db8::1/64 dev eth0 nodad")
    for name in ("ucast_solicit", "mcast_solicit"):
        w.run(f"sysctl -qw net.ipv6.neigh.eth0.{name}=9")
    time.sleep(2)
    udp = lambda key: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", (key, 9))
    rows = []
    for number, name in enumerate(("none", "incomplete", "reachable", "stale", "delay", "probe", "permanent", "noarp")):
        cases = [(r, s, o, tll) for r in (0, 1) for s in (0, 1) for o in (0, 1) for tll in ("none", "same", "other")]
        keys = [f"2001:db8::{number + 1:x}:{i + 1:x}" for i in range(len(cases))]
        put(w, keys, name, udp)
        before = w.neighbours(6)
        for (r, s, o, tll), key in zip(cases, keys):
            option = b"" if tll == "none" else lladdr_option(2, PEER if tll == "same" else OTHER)
            body = bytes([136, 0, 0, 0, r << 7 | s << 6 | o << 5, 0, 0, 0]) + ip6(key) + option
            if s:
                w.send(icmp6(key, "2001:db8::1", body, PEER, "02:00:00:00:00:01"))
            else:
                w.send(icmp6(key, "ff02::1", body, PEER, ALL_NODES_MAC))
        time.sleep(0.15)
        after = w.neighbours(6)
        for (r, s, o, tll), key in zip(cases, keys):
            start = "NONE" if name == "none" else state(before.get(key))["state"]
            rows.append({"from": start, "router": bool(r), "solicited": bool(s), "override": bool(o), "tllao": tll, "after": state(after.get(key))})
    return rows


def ns_answers(w):
    """What we answer to every kind of solicitation, and what we learn of who asks."""
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0")
    w.up()
    w.run("ip addr add 2001:db8::1/64 dev eth0 nodad")
    time.sleep(2.5)
    solicited, smac = "ff02::1:ff00:1", "33:33:ff:00:00:01"
    sll = lladdr_option(1, PEER)
    target = ip6("2001:db8::1")
    ns = bytes([135, 0, 0, 0, 0, 0, 0, 0]) + target
    good = "2001:db8::50"
    rows = []
    cases = [
        ("multicast with SLLAO", good, solicited, ns + sll, smac, 255),
        ("multicast without SLLAO", "2001:db8::51", solicited, ns, smac, 255),
        ("unicast with SLLAO", "2001:db8::52", "2001:db8::1", ns + sll, "02:00:00:00:00:01", 255),
        ("unicast without SLLAO", "2001:db8::53", "2001:db8::1", ns, "02:00:00:00:00:01", 255),
        ("DAD", "::", solicited, ns, smac, 255),
        ("DAD with SLLAO", "::", solicited, ns + sll, smac, 255),
        ("DAD to unicast", "::", "2001:db8::1", ns, "02:00:00:00:00:01", 255),
        ("hop limit 254", "2001:db8::54", solicited, ns + sll, smac, 254),
        ("code 1", "2001:db8::55", solicited, bytes([135, 1]) + ns[2:] + sll, smac, 255),
        ("multicast target", "2001:db8::56", solicited, ns[:8] + ip6("ff02::1") + sll, smac, 255),
        ("option of length 0", "2001:db8::57", solicited, ns + bytes([1, 0]) + sll[2:], smac, 255),
        ("option longer than the packet", "2001:db8::58", solicited, ns + bytes([1, 2]) + sll[2:], smac, 255),
        ("unknown option", "2001:db8::59", solicited, ns + bytes([200, 1, 0, 0, 0, 0, 0, 0]) + sll, smac, 255),
        ("two SLLAO", "2001:db8::5a", solicited, ns + sll + lladdr_option(1, OTHER), smac, 255),
        ("SLLAO of 16 bytes", "2001:db8::5b", solicited, ns + bytes([1, 2]) + mac(PEER) + bytes(8), smac, 255),
        ("too short", "2001:db8::5c", solicited, ns[:20], smac, 255),
        ("target not ours", "2001:db8::5d", "ff02::1:ff00:1", ns[:8] + ip6("2001:db8:1::1") + sll, smac, 255),
        ("all-nodes destination", "2001:db8::5e", "ff02::1", ns + sll, ALL_NODES_MAC, 255),
        ("DAD to all nodes", "::", "ff02::1", ns, ALL_NODES_MAC, 255),
    ]
    for label, source, destination, body, to, hops in cases:
        t0 = time.time()
        w.send(icmp6(source, destination, body, PEER, to, hops))
        time.sleep(0.15)
        frame = icmp6(source, destination, body, PEER, to, hops).hex()
        rows.append({"case": label, "frame": frame, "answers": w.since(t0, lambda f: icmp6_type(f) == 136), "learned": state(w.neighbours(6).get(source))})
    return rows


def dad(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0 net.ipv6.conf.eth0.dad_transmits=3")
    w.up()
    time.sleep(6)
    t0 = time.time()
    w.run("ip addr add 2001:db8::1/64 dev eth0")
    seen = []
    while time.time() - t0 < 5.5:
        tentative = bool(addresses(w)[0].get("tentative"))
        if not seen or seen[-1]["tentative"] != tentative:
            seen.append({"ms": round((time.time() - t0) * 1000), "tentative": tentative})
        time.sleep(0.03)
    return {"probes": w.since(t0, lambda f: icmp6_type(f) == 135), "states": seen}


def dad_conflict(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0 net.ipv6.conf.eth0.dad_transmits=3")
    w.up()
    time.sleep(6)
    rows = []
    probe = lambda f: icmp6_type(f) == 135 and f[22:38] == bytes(16)
    for i, label in enumerate(("NS of another with nonce", "NS without nonce", "our own NS looped back", "NA", "NS not for DAD")):
        key = f"2001:db8::{i + 1}"
        smac, group = f"33:33:ff:00:00:0{i + 1}", f"ff02::1:ff00:{i + 1}"
        t0 = time.time()
        w.run(f"ip addr add {key}/64 dev eth0")
        while not w.since(t0, probe):
            time.sleep(0.01)
        ns = bytes([135, 0, 0, 0, 0, 0, 0, 0]) + ip6(key)
        if label == "NS of another with nonce":
            w.send(icmp6("::", group, ns + bytes([14, 1, 1, 2, 3, 4, 5, 6]), PEER, smac))
        elif label == "NS without nonce":
            w.send(icmp6("::", group, ns, PEER, smac))
        elif label == "our own NS looped back":
            w.send(bytes.fromhex(w.since(t0, probe)[0]["frame"]))
        elif label == "NA":
            w.send(icmp6(key, "ff02::1", bytes([136, 0, 0, 0, 0x20, 0, 0, 0]) + ip6(key) + lladdr_option(2, PEER), PEER, ALL_NODES_MAC))
        else:
            w.send(icmp6("2001:db8::99", group, ns + lladdr_option(1, PEER), PEER, smac))
        time.sleep(0.1)
        info = [a for a in addresses(w) if a["local"] == key]
        flags = sorted(k for k in info[0] if k in ("tentative", "dadfailed", "deprecated")) if info else None
        rows.append({"case": label, "flags": flags, "answers": w.since(t0, lambda f: icmp6_type(f) == 136)})
    return rows


def router_solicitations(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=5 net.ipv6.conf.eth0.router_solicitation_interval=1 net.ipv6.conf.eth0.router_solicitation_max_interval=4")
    w.up()
    time.sleep(16)
    return w.since(w.t0, lambda f: icmp6_type(f) in (133, 135))


def ra(lifetime=0, options=b"", hop_limit=0, flags=0, reachable=0, retrans=0):
    return bytes([134, 0, 0, 0, hop_limit, flags]) + struct.pack("!HII", lifetime, reachable, retrans) + options


def pio(prefix, valid, preferred, flags=0xC0, length=64):
    return struct.pack("!BBBBIII16s", 3, 4, length, flags, valid, preferred, 0, ip6(prefix))


def advertise(w, body, hops=255, source=LL):
    w.send(icmp6(source, "ff02::1", body, PEER, ALL_NODES_MAC, hops))


def slaac_lifetimes(w):
    """The two-hour rule (RFC 4862 §5.5.3 e): an address with `first` seconds to live hears of `then`."""
    w.run("sysctl -qw net.ipv6.conf.eth0.dad_transmits=0 net.ipv6.conf.eth0.max_addresses=64")
    w.up()
    time.sleep(2)
    inf = 0xFFFFFFFF
    cases = [(10000, 20000), (10000, 8000), (10000, 7200), (10000, 100), (10000, 0), (5000, 100), (5000, 6000), (5000, 5000), (100, 50), (100, 200), (100, 0), (inf, 0), (inf, 100), (inf, 9000), (10000, inf), (7200, 7199), (7201, 7199)]
    rows = []
    for i, (first, then) in enumerate(cases):
        advertise(w, ra(options=pio(f"2001:db8:{i + 1:x}::", first, min(first, 50))))
    time.sleep(0.3)
    for i, (first, then) in enumerate(cases):
        advertise(w, ra(options=pio(f"2001:db8:{i + 1:x}::", then, min(then, 40))))
    time.sleep(0.3)
    have = {a["local"]: a for a in addresses(w)}
    for i, (first, then) in enumerate(cases):
        found = [a for local, a in have.items() if ip6(local)[:8] == ip6(f"2001:db8:{i + 1:x}::")[:8]]
        a = found[0] if found else None
        rows.append({"first": first, "then": then, "valid": a and a["valid_life_time"], "preferred": a and a["preferred_life_time"]})
    return rows


def ra_acceptance(w):
    """What is taken from which advertisement."""
    w.run("sysctl -qw net.ipv6.conf.eth0.dad_transmits=0 net.ipv6.conf.eth0.router_solicitations=0 net.ipv6.conf.eth0.accept_ra_rt_info_max_plen=64")
    w.up()
    time.sleep(2)
    rows = []

    def look(label, body, **kw):
        advertise(w, body, **kw)
        time.sleep(0.15)
        get = lambda name: int(w.run(f"sysctl -n net.ipv6.{name}"))
        routes = []
        for r in json.loads(w.run("ip -j -6 route show dev eth0")):
            if r.get("protocol") in ("ra", "kernel") and r["dst"] not in ("fe80::/64", "multicast"):
                routes.append({k: r[k] for k in ("dst", "gateway", "protocol", "metric", "pref", "expires") if k in r})
        rows.append({"case": label, "body": body.hex(), "hops": kw.get("hops", 255), "source": kw.get("source", LL), "hopLimit": get("conf.eth0.hop_limit"), "mtu": get("conf.eth0.mtu"), "reachable": get("neigh.eth0.base_reachable_time_ms"), "retrans": get("neigh.eth0.retrans_time_ms"), "routes": routes, "neighbour": state(w.neighbours(6).get(kw.get("source", LL)))})

    look("hop limit 254 on the wire", ra(1800, hop_limit=33), hops=254)
    look("global source", ra(1800, hop_limit=33), source="2001:db8::99")
    look("an option of length 0", ra(1800, bytes([5, 0, 0, 0, 0, 0, 5, 220]), hop_limit=33))
    look("default router", ra(1800, lladdr_option(1, PEER), hop_limit=33))
    look("default router, high preference", ra(1700, flags=0x08))
    look("default router, low preference", ra(1700, flags=0x18))
    look("default router, reserved preference is medium", ra(1700, flags=0x10))
    look("timers", ra(1700, reachable=20000, retrans=2000))
    look("unspecified values change nothing", ra(1700))
    look("MTU 1400", ra(1700, bytes([5, 1, 0, 0]) + struct.pack("!I", 1400)))
    look("MTU 1000 is too small", ra(1700, bytes([5, 1, 0, 0]) + struct.pack("!I", 1000)))
    look("MTU 9000 is too large", ra(1700, bytes([5, 1, 0, 0]) + struct.pack("!I", 9000)))
    look("on-link prefix, not autonomous", ra(1700, pio("2001:db8:a::", 3000, 2000, 0x80)))
    look("autonomous prefix, not on-link", ra(1700, pio("2001:db8:b::", 3000, 2000, 0x40)))
    look("autonomous prefix of 56 bits", ra(1700, pio("2001:db8:c::", 3000, 2000, 0xC0, 56)))
    look("preferred longer than valid", ra(1700, pio("2001:db8:d::", 1000, 2000, 0xC0)))
    look("link-local prefix", ra(1700, pio("fe80::", 3000, 2000, 0xC0)))
    look("on-link prefix withdrawn", ra(1700, pio("2001:db8:a::", 0, 0, 0x80)))
    look("more specific route", ra(1700, bytes([24, 2, 48, 0x08]) + struct.pack("!I", 600) + ip6("2001:db8:e::")[:8]))
    look("more specific route withdrawn", ra(1700, bytes([24, 2, 48, 0x08]) + struct.pack("!I", 0) + ip6("2001:db8:e::")[:8]))
    look("route with reserved preference is ignored", ra(1700, bytes([24, 2, 48, 0x10]) + struct.pack("!I", 600) + ip6("2001:db8:f::")[:8]))
    look("hop limit 0 changes nothing", ra(1700, hop_limit=0))
    look("lifetime 0", ra(0))
    return {"rows": rows, "addresses": sorted(a["local"] for a in addresses(w))}


def stable_privacy(w):
    secret = "2001:db8:1234:5678:9abc:def0:1357:9bdf"
    w.run(f"sysctl -qw net.ipv6.conf.eth0.stable_secret={secret}")
    w.run("sysctl -qw net.ipv6.conf.eth0.dad_transmits=0")
    w.up()
    time.sleep(0.4)
    for i in range(4):
        advertise(w, ra(options=pio(f"2001:db8:{i + 1:x}::", 3000, 2000)))
    time.sleep(0.3)
    found = json.loads(w.run("ip -j -6 addr show dev eth0"))[0]["addr_info"]
    return {"secret": secret, "hardware": "permanent address of a veth: zeros", "addresses": sorted(a["local"] for a in found)}


MLD_MAC = "33:33:00:00:00:01"


def v6sock(w):
    return in_ns(w.ns, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))


def v4sock(w):
    return in_ns(w.ns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))


def sockaddr6(text):
    return struct.pack("=HHI16sI", 10, 0, 0, ip6(text), 0).ljust(128, b"\0")


def mld(w):
    w.run("sysctl -qw net.ipv6.conf.eth0.router_solicitations=0")
    w.up()
    rows = []
    report = lambda f: icmp6_type(f) in (131, 132, 143)
    time.sleep(4.5)
    rows.append({"step": "link up", "frames": w.since(w.t0, lambda f: report(f) or icmp6_type(f) == 135)})
    index = int(w.run("cat /sys/class/net/eth0/ifindex"))

    def step(label, action, wait=2.6):
        t0 = time.time()
        action()
        time.sleep(wait)
        rows.append({"step": label, "frames": w.since(t0, report)})

    def query(group, delay, sources=b"", count=0, s=0, qrv=2, qqic=125, v1=False, source=LL):
        body = bytes([130, 0, 0, 0]) + struct.pack("!HH", delay, 0) + ip6(group)
        if not v1:
            body += bytes([s << 3 | qrv, qqic]) + struct.pack("!H", count) + sources
        destination = "ff02::1" if group == "::" else group
        to = "33:33:" + ":".join(f"{b:02x}" for b in ip6(destination)[12:])
        w.send(icmp6(source, destination, body, PEER, to, 1, True))

    a, b = v6sock(w), v6sock(w)
    join = lambda s, g: s.setsockopt(41, 20, ip6(g) + struct.pack("=I", index))
    leave = lambda s, g: s.setsockopt(41, 21, ip6(g) + struct.pack("=I", index))
    ssm = lambda s, option, g, src: s.setsockopt(41, option, struct.pack("=I4x", index) + sockaddr6(g) + sockaddr6(src))
    step("join ff0e::1234", lambda: join(a, "ff0e::1234"))
    step("second socket joins ff0e::1234", lambda: join(b, "ff0e::1234"))
    step("first socket leaves", lambda: leave(a, "ff0e::1234"))
    step("second socket leaves", lambda: leave(b, "ff0e::1234"))
    step("join ff3e::1 from 2001:db8::a", lambda: ssm(a, 46, "ff3e::1", "2001:db8::a"))
    step("and from 2001:db8::b", lambda: ssm(a, 46, "ff3e::1", "2001:db8::b"))
    step("another socket from any but 2001:db8::a", lambda: (join(b, "ff3e::1"), ssm(b, 43, "ff3e::1", "2001:db8::a")))
    step("general query, 1 s", lambda: query("::", 1000), 1.6)
    step("group query, 1 s", lambda: query("ff3e::1", 1000), 1.6)
    step("group and source query, 1 s", lambda: query("ff3e::1", 1000, ip6("2001:db8::a") + ip6("2001:db8::b"), 2), 1.6)
    step("query for a group not joined", lambda: query("ff0e::9999", 500), 1.0)
    step("query from a global source", lambda: query("::", 500, source="2001:db8::99"), 1.0)
    step("the other socket leaves", lambda: leave(b, "ff3e::1"))
    step("drops source 2001:db8::a", lambda: ssm(a, 47, "ff3e::1", "2001:db8::a"))
    step("drops source 2001:db8::b", lambda: ssm(a, 47, "ff3e::1", "2001:db8::b"))
    step("MLDv1 query, 1 s", lambda: (join(a, "ff0e::77"), time.sleep(2.2), query("::", 1000, v1=True)), 3.6)
    step("MLDv1 leave", lambda: leave(a, "ff0e::77"), 1.0)
    step("MLDv1 join", lambda: join(a, "ff0e::78"), 1.0)
    return rows


def igmpv3(w):
    w.up()
    rows = []
    w.run("ip addr add 10.9.0.1/24 dev eth0")
    time.sleep(0.5)
    index = int(w.run("cat /sys/class/net/eth0/ifindex"))

    def step(label, action, wait=2.6):
        t0 = time.time()
        action()
        time.sleep(wait)
        rows.append({"step": label, "frames": w.since(t0, is_igmp)})

    def query(group, code, sources=b"", count=0, qrv=2, version=3):
        body = bytes([0x11, code, 0, 0]) + ip4(group)
        if version == 3:
            body += bytes([qrv, 125]) + struct.pack("!H", count) + sources
        w.send(igmp("10.9.0.99", "224.0.0.1" if group == "0.0.0.0" else group, body, PEER))

    a, b = v4sock(w), v4sock(w)
    mreqn = lambda g: ip4(g) + ip4("0.0.0.0") + struct.pack("=i", index)
    join = lambda s, g: s.setsockopt(0, 35, mreqn(g))
    leave = lambda s, g: s.setsockopt(0, 36, mreqn(g))
    source = lambda s, option, g, src: s.setsockopt(0, option, ip4(g) + ip4("10.9.0.1") + ip4(src))
    step("join 239.1.2.3", lambda: join(a, "239.1.2.3"))
    step("second socket joins", lambda: join(b, "239.1.2.3"))
    step("first socket leaves", lambda: leave(a, "239.1.2.3"))
    step("second socket leaves", lambda: leave(b, "239.1.2.3"))
    step("join 232.1.1.1 from 10.1.0.1", lambda: source(a, 39, "232.1.1.1", "10.1.0.1"))
    step("and from 10.1.0.2", lambda: source(a, 39, "232.1.1.1", "10.1.0.2"))
    step("general query, 1 s", lambda: query("0.0.0.0", 10), 1.6)
    step("group query, 1 s", lambda: query("232.1.1.1", 10), 1.6)
    step("group and source query, 1 s", lambda: query("232.1.1.1", 10, ip4("10.1.0.2") + ip4("10.1.0.9"), 2), 1.6)
    step("drops source 10.1.0.1", lambda: source(a, 40, "232.1.1.1", "10.1.0.1"))
    step("drops source 10.1.0.2", lambda: source(a, 40, "232.1.1.1", "10.1.0.2"))
    step("IGMPv2 query, 1 s", lambda: (join(a, "239.9.9.9"), time.sleep(2.2), query("0.0.0.0", 10, version=2)), 3.6)
    step("IGMPv2 leave", lambda: leave(a, "239.9.9.9"), 1.0)
    step("IGMPv2 join", lambda: join(a, "239.9.9.8"), 1.0)
    step("IGMPv1 query", lambda: query("0.0.0.0", 0, version=2), 0.5)
    step("IGMPv1 join", lambda: join(a, "239.9.9.7"), 1.0)
    step("IGMPv1 leave", lambda: leave(a, "239.9.9.7"), 1.0)
    return rows


RECORDINGS = [arp_unresolved, nd_unresolved, arp_probe, nd_probe, arp_updates, na_updates, ns_answers, dad, dad_conflict, router_solicitations, slaac_lifetimes, ra_acceptance, stable_privacy, mld, igmpv3]


def main():
    wanted = [r for r in RECORDINGS if len(sys.argv) < 2 or r.__name__ in sys.argv[1:]]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "linux-neighbours.json")
    results = json.load(open(path)) if os.path.exists(path) else {}
    failures = []

    def body(number, recording):
        wire = Wire(str(number))
        try:
            results[recording.__name__] = recording(wire)
        except Exception as error:
            failures.append(f"{recording.__name__}: {error!r}")
        finally:
            wire.close()

    threads = [threading.Thread(target=body, args=(i, r)) for i, r in enumerate(wanted)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    results["command"] = "sudo python3 packages/stack/test/kernel/record.py"
    results["kernel"] = f"Linux {platform.release().split('-')[0]}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        json.dump({k: results[k] for k in sorted(results)}, out, indent=1)
        out.write("\n")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
