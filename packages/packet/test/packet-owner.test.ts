import { expect, test } from "vitest";
import { type Packet, PacketPool } from "../src/index.ts";

function owned(charge = 100): { readonly packet: Packet; readonly left: number[]; readonly pool: PacketPool } {
  const pool = new PacketPool({ small: 8, jumbo: 1, super: 1 });
  const packet = pool.alloc(50);
  if (packet === undefined) throw new Error("the pool is empty");
  packet.put(50);
  const left: number[] = [];
  packet.owner = { packetLeft: (bytes) => void left.push(bytes) };
  packet.charge = charge;
  return { packet, left, pool };
}

test("skb_orphan: the owner is told once, whether the packet leaves or is released", () => {
  const { packet, left } = owned();
  packet.orphan();
  packet.orphan();
  packet.release();
  expect(left).toEqual([100]);
  const dropped = owned(7);
  dropped.packet.release();
  expect(dropped.left).toEqual([7]);
});

test("clones and copies belong to nobody", () => {
  const { packet, left } = owned();
  for (const other of [packet.clone(), packet.copy()]) other?.release();
  expect(left).toEqual([]);
  packet.release();
  expect(left).toEqual([100]);
});

test("a packet that moves to another slot keeps its owner", () => {
  const { packet, left } = owned();
  expect(packet.expandHead(64)).toBe(true);
  expect(left).toEqual([]);
  packet.release();
  expect(left).toEqual([100]);
});

test("the owner may be passed to the packet that goes instead", () => {
  const { packet, left } = owned();
  const copy = packet.copy();
  if (copy === undefined) throw new Error("the pool is empty");
  packet.passOwner(copy);
  packet.release();
  expect(left).toEqual([]);
  copy.release();
  expect(left).toEqual([100]);
});

test("a slot that is used again has no owner", () => {
  const { packet, pool } = owned();
  packet.release();
  for (let i = 0; i < 8; i++) expect(pool.alloc(50)?.owner).toBeUndefined();
});
