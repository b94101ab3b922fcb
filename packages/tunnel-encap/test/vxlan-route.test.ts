import { compose, ipv4, parseIpv4, parseIpv6, ZERO_MAC, type IpAddress, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { VxlanDevice, type OuterPath, type VxlanDeviceConfig } from "../src/index.ts";
import { contextOf, drainedPool, hex, load, take } from "./support/packets.ts";
import { A4, A6, frameOf, inner4, MAC_A, MAC_B } from "./support/samples.ts";

/* Who has routes tells a VXLAN device of them: V7. */

const pool = drainedPool();
const R1 = parseIpv4("192.0.2.11");
const R2 = parseIpv4("192.0.2.12");
const R3 = parseIpv4("192.0.2.13");
const FRAME = frameOf(inner4());
const BROADCAST = compose([
  { ethernet: { destination: 0xffff_ffff_ffff, source: MAC_A, etherType: 0x0800 } },
  inner4(),
]);

interface Sent {
  readonly remote: IpAddress;
  readonly bytes: Uint8Array;
  readonly path: OuterPath | undefined;
}

function device(config: Partial<VxlanDeviceConfig>): {
  vx: VxlanDevice;
  drops: string[];
  send: (frame: Uint8Array) => Sent[];
} {
  const vx = new VxlanDevice({ id: 42, local: A4, address: 0x02_00_00_00_00_99, ...config }, contextOf(pool));
  const drops: string[] = [];
  vx.onDrop = (_packet, reason) => drops.push(reason);
  return {
    vx,
    drops,
    send: (frame) => {
      vx.handle(load(pool, frame, true), { from: "bridge" }, 0);
      const list: Sent[] = [];
      for (let next = vx.poll(); next !== undefined; next = vx.poll()) {
        if (next.to !== "underlay") throw new Error("nothing goes to the bridge here");
        list.push({ remote: next.remote, path: next.path, bytes: take(next.packet) });
      }
      return list;
    },
  };
}

const ttlOf = ({ bytes }: Sent): number => ipv4.ttl(new DataView(bytes.buffer, bytes.byteOffset), 0);

describe("V7 the way to each remote", () => {
  test("V7 each copy's way is asked for, unwrapped, in the order of the list, and comes back with it", () => {
    const { vx, send } = device({ remotes: [{ ip: R1 }, { ip: R2 }, { ip: R3 }] });
    const asked: [IpAddress, string][] = [];
    const ways = new Map<IpAddress, OuterPath>([R1, R2, R3].map((ip, i) => [ip, { hopLimit: 10 + i }]));
    vx.onRoute = (packet, remote) => {
      asked.push([remote, hex(packet.bytes())]);
      return ways.get(remote) as OuterPath;
    };
    const sent = send(BROADCAST);
    expect(asked).toEqual([R1, R2, R3].map((ip) => [ip, hex(BROADCAST)]));
    expect(sent.map(({ remote, path }) => [remote, path])).toEqual([...ways]);
    expect(sent.map(ttlOf)).toEqual([10, 11, 12]);
  });

  test("V7 a copy that cannot go is dropped with its reason, and the others go", () => {
    const { vx, drops, send } = device({ remotes: [{ ip: R1 }, { ip: R2 }, { ip: R3 }] });
    vx.onRoute = (_packet, remote) => (remote === R2 ? {} : remote === R1 ? "PKT_TOO_BIG" : "IP_OUTNOROUTES");
    expect(send(BROADCAST).map(({ remote }) => remote)).toEqual([R2]);
    expect(drops).toEqual(["PKT_TOO_BIG", "IP_OUTNOROUTES"]);
    expect(vx.stats).toMatchObject({ txPackets: 1, txDropped: 2 });
  });

  test("V7 none can go: nothing is sent, and all memory is back", () => {
    const { vx, drops, send } = device({ remotes: [{ ip: R1 }, { ip: R2 }] });
    const before = pool.stats.inUse;
    vx.onRoute = () => "IP_OUTNOROUTES";
    expect(send(BROADCAST)).toEqual([]);
    expect(drops).toEqual(["IP_OUTNOROUTES", "IP_OUTNOROUTES"]);
    expect(pool.stats.inUse).toBe(before);
  });

  test("V7 what the entry says of VNI and port goes before what the way says", () => {
    const { vx, send } = device({ remotes: [{ ip: R1, vni: 7, port: 4790 }, { ip: R2 }] });
    vx.onRoute = () => ({ id: 99, dstport: 1234, hopLimit: 5 });
    const [first, second] = send(BROADCAST) as [Sent, Sent];
    const view = ({ bytes }: Sent): DataView => new DataView(bytes.buffer, bytes.byteOffset);
    expect([view(first).getUint16(22), view(first).getUint32(32) >>> 8]).toEqual([4790, 7]);
    // An entry without them means the device's own, whatever the way says.
    expect([view(second).getUint16(22), view(second).getUint32(32) >>> 8]).toEqual([4789, 42]);
  });

  test("V7 a station that is known is asked for alone", () => {
    const { vx, send } = device({ remotes: [{ ip: R1 }, { ip: R2 }] });
    vx.fdb.learn(MAC_B, R3, 0);
    const asked: IpAddress[] = [];
    vx.onRoute = (_packet, remote) => {
      asked.push(remote);
      return {};
    };
    expect(send(FRAME).map(({ remote }) => remote)).toEqual([R3]);
    expect(asked).toEqual([R3]);
  });

  test("V7 a change to the packet by who is asked does not reach the other copies", () => {
    const { vx, send } = device({ remotes: [{ ip: R1 }, { ip: R2 }], udpcsum: false });
    vx.onRoute = (packet: Packet) => {
      if (!packet.cowHead()) return "NOMEM";
      pool.memory.view.setUint8(packet.data + 20, 0x77);
      return {};
    };
    const plain = device({ remotes: [{ ip: R1 }, { ip: R2 }], udpcsum: false }).send(BROADCAST) as [Sent, Sent];
    const changed = send(BROADCAST) as [Sent, Sent];
    for (const [i, { bytes }] of changed.entries()) {
      expect(bytes[36 + 20]).toBe(0x77);
      expect(hex(bytes.subarray(36, 56))).toBe(hex(plain[i]!.bytes.subarray(36, 56)));
    }
  });

  test("V7 without anybody to ask, the outer TTL is 64 to a station and 1 to a group", () => {
    const group = parseIpv4("239.1.1.1");
    const sent = device({ remotes: [{ ip: R1 }, { ip: group }] }).send(BROADCAST);
    expect(sent.map(ttlOf)).toEqual([64, 1]);
    expect(sent.map(({ path }) => path)).toEqual([undefined, undefined]);
  });

  test("V7 an end of the other family is a mistake of the configuration, told at once", () => {
    const { vx } = device({ remotes: [] });
    vx.fdb.append(ZERO_MAC, { ip: A6 }, 0);
    const packet = load(pool, BROADCAST, true);
    expect(() => vx.handle(packet, { from: "bridge" }, 0)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    packet.release();
    expect(parseIpv6("2001:db8::1")).toBe(A6);
  });
});
