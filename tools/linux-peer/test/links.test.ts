import { describe, expect, test } from "vitest";
import { loadOrder } from "../build/qemu.ts";
import { linkArguments, parseLink } from "../links.ts";
import { isBuilt, paths, PeerError, readSettings } from "../settings.ts";

describe("links", () => {
  test("udp, with the address of guest and index", () => {
    expect(parseLink("udp:5101:5102", 2, 7)).toEqual({
      kind: "udp",
      here: 5101,
      there: 5102,
      mtu: 1500,
      mac: "02:4c:50:00:07:02",
    });
  });

  test("an MTU and an address may follow", () => {
    const link = parseLink("stream:/tmp/s,mtu=9000,mac=02:00:00:00:00:09", 0, 1);
    expect(link).toEqual({ kind: "stream", target: "/tmp/s", mtu: 9000, mac: "02:00:00:00:00:09" });
  });

  test.each([
    "udp:1",
    "udp:0:1",
    "udp:1:70000",
    "tap:",
    "stream:",
    "vde:x",
    "",
    "udp:1:2,mtu=x",
    "udp:1:2,mac=1",
    "udp:1:2,x=1",
  ])("%j is none", (text) => {
    expect(() => parseLink(text, 0, 1)).toThrow(PeerError);
  });

  test("what the engines are told", () => {
    const udp = parseLink("udp:5101:5102", 0, 1);
    expect(linkArguments("uml", udp, 0)).toEqual([
      "vec0:transport=l2tpv3,udp=1,src=127.0.0.1,dst=127.0.0.1,srcport=5101,dstport=5102,rx_session=1,tx_session=1,mac=02:4c:50:00:01:00,mtu=1500",
    ]);
    expect(linkArguments("qemu", udp, 3)[1]).toMatch(/^l2tpv3,.*srcport=5101,dstport=5102.*,id=net3$/);
    expect(linkArguments("qemu", parseLink("stream:4000", 0, 1), 0)[1]).toContain(
      "addr.type=inet,addr.host=127.0.0.1,addr.port=4000",
    );
    expect(linkArguments("qemu", parseLink("stream:/s", 0, 1), 0)[1]).toContain("addr.type=unix,addr.path=/s");
  });

  test("what an engine cannot do is said", () => {
    expect(() => linkArguments("uml", parseLink("stream:4000", 0, 1), 0)).toThrow(/needs --engine qemu/);
    expect(() => linkArguments("uml", parseLink("rawudp:1:2,mtu=9000", 0, 1), 0)).toThrow(/at most 1500/);
    expect(() => linkArguments("qemu", parseLink("udp:1:2,mtu=9000", 0, 1), 0)).toThrow(/at most 2000/);
  });

  test.skipIf(process.platform !== "linux")("a TAP device must be there", () => {
    expect(() => linkArguments("uml", parseLink("tap:nosuch0", 0, 1), 0)).toThrow(/no device nosuch0/);
  });
});

describe("settings", () => {
  test("the cache follows XDG_CACHE_HOME, and its directory what it is made of", () => {
    const one = readSettings({ XDG_CACHE_HOME: "/x" });
    expect(one.directory).toMatch(/^\/x\/seville\/linux-peer\/[0-9a-f]{16}$/);
    expect(readSettings({ LINUX_PEER_CACHE: "/y" }).directory).toBe(
      one.directory.replace("/x/seville/linux-peer", "/y"),
    );
    expect(readSettings({ XDG_CACHE_HOME: "/x", LINUX_PEER_PACKAGES: "nmap" }).directory).not.toBe(one.directory);
    expect(isBuilt("uml", one)).toBe(false);
    expect(paths(one).uml).toBe(`${one.directory}/uml`);
  });

  test("modules are loaded after what they need", () => {
    const dep =
      "kernel/a/9p.ko: kernel/b/9pnet.ko kernel/c/netfs.ko\nkernel/b/9pnet.ko:\nkernel/d/9pnet_virtio.ko: kernel/b/9pnet.ko\n";
    expect(loadOrder(dep, ["9pnet_virtio", "9p", "builtin"])).toEqual([
      "kernel/b/9pnet.ko",
      "kernel/d/9pnet_virtio.ko",
      "kernel/c/netfs.ko",
      "kernel/a/9p.ko",
    ]);
  });
});
