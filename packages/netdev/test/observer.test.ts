import { observeChecksum } from "@seville/checksum";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE } from "@seville/packet";
import { observeSegmentation } from "@seville/tso";
import { describe, expect, test } from "vitest";
import { HW_CSUM_PROFILE, NONE, OUTER_ONLY_RX, TUNNEL_OFFLOAD, type Nic, type NicProfile } from "../src/index.ts";
import { requestPacket, type Request } from "./support/requests.ts";
import { World } from "./support/world.ts";

const big: Request = { inner: 4, protocol: "tcp", payload: 5000, mss: 1000 };

/** What was done by whom while a packet crossed the wire between two NICs. */
interface Seen {
  readonly posted: { readonly bytes: number; readonly isSplit: boolean }[];
  readonly reports: (readonly [ipSummed: number, csumLevel: number])[];
  /** Bytes that were read for checksums: by silicon, by a softirq, and elsewhere. */
  readonly read: Record<"hardware" | "softirq" | "stack", number>;
  copied: number;
}

function watch(world: World, sender: Nic, receiver: Nic): Seen {
  const seen: Seen = { posted: [], reports: [], read: { hardware: 0, softirq: 0, stack: 0 }, copied: 0 };
  const where: ("hardware" | "softirq")[] = [];
  const enter = (place: "hardware" | "softirq") => (busy: boolean) => {
    if (busy) where.push(place);
    else expect(where.pop()).toBe(place);
  };
  const times = { hardware: enter("hardware"), polling: enter("softirq") };
  sender.observe({
    ...times,
    posted: ({ packet, segmentation }) =>
      seen.posted.push({ bytes: packet.totalLength, isSplit: segmentation !== undefined }),
  });
  receiver.observe({ ...times, received: ({ ipSummed, csumLevel }) => seen.reports.push([ipSummed, csumLevel]) });
  observeChecksum(world.pool.memory, {
    read: (bytes) => {
      seen.read[where.at(-1) ?? "stack"] += bytes;
    },
  });
  observeSegmentation(world.pool.memory, (bytes) => (seen.copied += bytes));
  return seen;
}

function cross(request: Request, tx: NicProfile, rx: NicProfile): Seen {
  const world = new World();
  const sender = world.nic("a", { profile: tx });
  const receiver = world.nic("b", { profile: rx });
  const seen = watch(world, sender, receiver);
  world.send(sender, requestPacket(world.pool, request));
  observeChecksum(world.pool.memory, undefined);
  observeSegmentation(world.pool.memory, undefined);
  return seen;
}

describe("O1 who works", () => {
  test("O1 a NIC that splits: one descriptor, and only its silicon reads the payload", () => {
    const seen = cross(big, TUNNEL_OFFLOAD, HW_CSUM_PROFILE);
    expect(seen.posted).toEqual([{ bytes: 5054, isSplit: true }]);
    expect(seen.reports).toEqual(Array.from({ length: 5 }, () => [CHECKSUM_COMPLETE, 0]));
    // The receiver's silicon sums all that is behind the Ethernet header.
    expect(seen.read.hardware).toBeGreaterThanOrEqual(5 * 1040);
    expect(seen.read.stack).toBe(0);
    // GRO reads headers to take them off the sum.
    expect(seen.read.softirq).toBeGreaterThan(0);
    expect(seen.read.softirq).toBeLessThan(1000);
  });

  test("O1 a NIC that can nothing: software splits, and the receiving softirq sums every byte", () => {
    const seen = cross(big, NONE, NONE);
    expect(seen.posted.map(({ isSplit }) => isSplit)).toEqual(Array.from({ length: 5 }, () => false));
    expect(seen.copied).toBe(5000 + 5 * 54);
    expect(seen.reports).toEqual(Array.from({ length: 5 }, () => [CHECKSUM_NONE, 0]));
    expect(seen.read.hardware).toBe(0);
    expect(seen.read.softirq).toBeGreaterThanOrEqual(5000 + 5 * 20);
  });

  test("O1 a frame is seen as the driver describes it, before GRO has looked at it", () => {
    const tunnelled: Request = { ...big, tunnel: "vxlan", outerCsum: true };
    expect(cross(tunnelled, NONE, OUTER_ONLY_RX).reports).toEqual(Array.from({ length: 5 }, () => [1, 0]));
    expect(cross(tunnelled, NONE, TUNNEL_OFFLOAD).reports).toEqual(Array.from({ length: 5 }, () => [1, 1]));
  });

  test("O1 an observer that is taken away is not told any more", () => {
    const world = new World();
    const nic = world.nic("a");
    let posted = 0;
    nic.observe({ posted: () => posted++ });
    world.send(nic, requestPacket(world.pool, big));
    nic.observe(undefined);
    world.send(nic, requestPacket(world.pool, big));
    expect(posted).toBe(1);
    expect(world.wire).toHaveLength(10);
  });

  test("O1 a work that throws is over all the same", () => {
    const world = new World();
    const told: boolean[] = [];
    const receiver = world.nic("b", {
      receive: (packet) => {
        packet.release();
        throw new Error("from above");
      },
    });
    receiver.observe({ polling: (busy) => told.push(busy) });
    const sender = world.nic("a");
    expect(() => {
      world.send(sender, requestPacket(world.pool, { inner: 4, protocol: "udp", payload: 20 }));
    }).toThrow(/from above/);
    expect(told.filter((busy) => busy)).toHaveLength(told.filter((busy) => !busy).length);
  });
});
