import { createRandom } from "@seville/core";
import { arp, compose, PacketPool, parseIp, parseMac, type Ipv6Address, type Layer } from "@seville/packet";
import { Simulator } from "@seville/sim";
import { afterEach, describe, expect, test } from "vitest";
import {
  closeHost,
  createDummy,
  createHost,
  openUdp,
  type AlignmentTrap,
  type Arch,
  type Host,
  type NetInterface,
} from "../src/index.ts";
import { createTunnel } from "../src/tunnel/index.ts";
import { assign, codeOf } from "./support/world.ts";

/*
 * align 55 (T12): a host whose processor traps on misaligned words. A frame lies at `pad` modulo 4, so that behind its 14 bytes
 * of Ethernet the network header is aligned for a pad of 2 (NET_IP_ALIGN).
 */

const pool = new PacketPool({ small: 128, jumbo: 2, super: 2, strictAlign: true });
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
  pool.assertDrained();
});

interface Watched {
  readonly host: Host;
  readonly iface: NetInterface;
  readonly traps: AlignmentTrap[];
  /** Runs what was scheduled. */
  readonly settle: () => void;
}

function watched(arch: Arch = "strict-align"): Watched {
  const scheduler = new Simulator();
  const host = createHost({ name: arch, scheduler, pool, random: createRandom(1), arch });
  const iface = host.interfaces.add(createDummy(), { name: "eth0", mac: MINE, up: true });
  assign(iface, ["10.0.0.1/24", "2001:db8::1/64"]);
  scheduler.run({ until: 3e9 });
  const traps: AlignmentTrap[] = [];
  if (host.alignment !== undefined) host.alignment.onTrap = (trap) => traps.push(trap);
  closing.push(() => {
    closeHost(host);
    scheduler.run({ until: scheduler.now + 1e9 });
  });
  return { host, iface, traps, settle: () => scheduler.run({ until: scheduler.now + 1e6 }) };
}

function receive({ iface, host }: Watched, frame: Uint8Array, pad: number): void {
  const packet = pool.from(frame, 128 + pad);
  if (packet === undefined) throw new Error("the pool is empty");
  iface.receive(packet, host.now);
}

const MINE = parseMac("02:00:00:00:00:01");
const THEIRS = parseMac("02:00:00:00:00:02");
const A = parseIp("10.0.0.1") as number;
const B = parseIp("10.0.0.2") as number;
const ETHERNET: Layer = { ethernet: { source: THEIRS, destination: MINE } };
const V4: Layer = { ipv4: { source: B, destination: A } };
const V6: Layer = {
  ipv6: { source: parseIp("2001:db8::2") as Ipv6Address, destination: parseIp("2001:db8::1") as Ipv6Address },
};
const UDP: Layer = { udp: { sourcePort: 1000, destinationPort: 7000 } };
const DATA = new Uint8Array(64);
const udp4 = compose([ETHERNET, V4, UDP, DATA]);
const udp6 = compose([ETHERNET, V6, UDP, DATA]);
const arp4 = compose([
  ETHERNET,
  { arp: { operation: arp.REPLY, senderMac: THEIRS, senderIp: B, targetMac: MINE, targetIp: A } },
]);
const gre = (isEthernet: boolean): Uint8Array => {
  const inside = isEthernet ? compose([ETHERNET, V4, UDP, DATA]) : compose([V4, UDP, DATA]);
  const type = isEthernet ? 0x6558 : 0x0800;
  const outer: Layer = { ipv4: { source: B, destination: A, protocol: 47 } };
  return compose([ETHERNET, outer, Uint8Array.of(0, 0, type >> 8, type & 255, ...inside)]);
};

function listen({ host }: Watched): void {
  const socket = openUdp(host, { family: 6 });
  socket.bind({ port: 7000 });
}

describe("T12 align 55: traps of a strict-align host", () => {
  test("with a pad of 2 no word of ARP, IPv4, IPv6 and UDP is misaligned", () => {
    const world = watched();
    listen(world);
    for (const frame of [udp4, udp6, arp4]) receive(world, frame, 2);
    expect(world.host.mib.udp.InDatagrams).toBe(1);
    expect(world.host.mib.udp6.InDatagrams).toBe(1);
    expect(world.traps).toEqual([]);
  });

  test("with a pad of 0 every 32-bit word of the IP headers that the stack reads traps, with its name, place and reader", () => {
    const world = watched();
    listen(world);
    receive(world, udp4, 0);
    receive(world, udp6, 0);
    const { alignment } = world.host;
    expect([...(alignment?.byProtocol.keys() ?? [])]).toEqual(["ipv4", "ipv6"]);
    expect([...(alignment?.byCaller ?? [])]).toEqual([["stack", alignment?.total]]);
    expect(alignment?.total).toBe(world.traps.length);
    // Five words of the IPv4 header's checksum come first.
    const first = world.traps.slice(0, 5);
    expect(first.map(({ offset }) => offset - first[0]!.offset)).toEqual([0, 4, 8, 12, 16]);
    for (const { bytes, offset } of world.traps) expect([bytes, offset % 4]).toEqual([4, 2]);
    expect(first[0]!.stack).toContain("ipv4HeaderValid");
  });

  test("an odd pad traps on 16-bit words as well: ports, lengths, the EtherType", () => {
    const world = watched();
    listen(world);
    receive(world, udp4, 1);
    const halves = world.traps.filter(({ bytes }) => bytes === 2).map(({ protocol }) => protocol);
    expect(new Set(halves)).toEqual(new Set(["ethernet", "ipv4", "udp"]));
    expect(world.host.mib.udp.InDatagrams).toBe(1);
  });

  test("an x86 reads the same frames in the same world, and nobody counts", () => {
    const world = watched("x86");
    const other = watched();
    listen(world);
    for (const pad of [0, 1, 2]) receive(world, udp4, pad);
    expect(world.host.mib.udp.InDatagrams).toBe(3);
    expect([world.host.alignment, other.host.alignment?.total]).toEqual([undefined, 0]);
  });

  test.each([
    ["a frame in gretap", "gretap", 2],
    ["a frame in gretap", "gretap", 0],
    ["a packet in gre", "gre", 2],
  ] as const)("%s (%s) received with a pad of %i: outer and inner headers trap where they lie askew", (...row) => {
    const [, kind, pad] = row;
    const isEthernet = kind === "gretap";
    const world = watched();
    listen(world);
    const device = createTunnel(world.host, { kind, local: A, remote: B });
    world.host.interfaces.add(device, { name: "tun0", mac: MINE, up: true });
    device.onDecapsulated = (packet) => world.traps.push({ ...MARK, offset: packet.networkHeader });
    receive(world, gre(isEthernet), pad);
    expect(world.host.mib.udp.InDatagrams).toBe(1);
    const mark = world.traps.findIndex(({ protocol }) => protocol === "mark");
    const [outer, inner] = [world.traps.slice(0, mark), world.traps.slice(mark + 1)];
    expect(outer.length > 0).toBe(pad === 0);
    expect(inner.length > 0).toBe(isEthernet && pad === 2);
    for (const { protocol } of [...outer, ...inner]) expect(protocol).toBe("ipv4");
  });

  test("watches nest: whoever does not mind works in between, and all is as before afterwards, errors included", () => {
    const { host, traps } = watched();
    const { view } = pool.memory;
    const traps32 = (): number => {
      const before = traps.length;
      view.getUint32(1026);
      return traps.length - before;
    };
    const { alignment } = host;
    expect(traps32()).toBe(0);
    alignment?.watch("outer", undefined, () => {
      expect(traps32()).toBe(1);
      alignment.enter(undefined);
      expect(traps32()).toBe(0);
      alignment.leave();
      expect(() =>
        alignment.watch("inner", undefined, () => {
          traps32();
          throw new Error("stop");
        }),
      ).toThrow("stop");
      traps32();
    });
    expect(traps32()).toBe(0);
    expect(traps.map(({ caller, protocol }) => `${caller} ${protocol}`)).toEqual([
      "outer other",
      "inner other",
      "outer other",
    ]);
  });

  test("a pool in which nothing can be seen is refused", () => {
    const plain = new PacketPool({ small: 4, jumbo: 0, super: 0 });
    const options = { name: "a", scheduler: new Simulator(), pool: plain, random: createRandom(1) };
    expect(codeOf(() => createHost({ ...options, arch: "strict-align" }))).toBe("ERR_INVALID_ARGUMENT");
  });
});

const MARK: AlignmentTrap = { protocol: "mark", caller: "", offset: 0, bytes: 2, stack: "" };
