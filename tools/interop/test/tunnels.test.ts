import { describe, expect, test } from "vitest";
import { greMutations, greSequence, setGreSequence } from "../suites/linux-peer/tunnels/gre-mutations.ts";
import { checksum, fixOuterIp, readOuterIp, setOuterEcn, splice } from "../suites/linux-peer/tunnels/mutation.ts";
import { SPECS } from "../suites/linux-peer/tunnels/specs.ts";
import { tableOf } from "../suites/linux-peer/tunnels/table.ts";

/** IPv4, GRE with checksum, key and sequence number, four bytes. */
const GRE = fixed([0xb0, 0, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3, 4]);

function fixed(body: readonly number[]): Uint8Array {
  const bytes = Uint8Array.from(body);
  new DataView(bytes.buffer).setUint16(4, checksum(bytes));
  return fixOuterIp(
    Uint8Array.from([0x45, 0x10, 0, 0, 0, 1, 0x40, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, ...bytes]),
  );
}

const isRight = (bytes: Uint8Array): boolean => checksum(bytes) === 0;

describe("packets that are changed on the wire", () => {
  test("the outer header is read and put right again", () => {
    expect(readOuterIp(GRE)).toMatchObject({ family: 4, tos: 0x10, ttl: 64, df: true, protocol: 47, end: 20 });
    expect(isRight(GRE.subarray(0, 20))).toBe(true);
    const marked = fixOuterIp(setOuterEcn(GRE.slice(), 3));
    expect(readOuterIp(marked).tos).toBe(0x13);
    expect(isRight(marked.subarray(0, 20))).toBe(true);
    const v6 = Uint8Array.from([
      0x6a,
      0xbc,
      0xde,
      0xf0,
      0,
      0,
      60,
      9,
      ...new Array<number>(32).fill(0),
      47,
      0,
      4,
      1,
      5,
      1,
      1,
      0,
      9,
    ]);
    expect(readOuterIp(v6)).toMatchObject({
      tos: 0xab,
      ttl: 9,
      flowLabel: 0xcdef0,
      encapsulationLimit: 5,
      protocol: 47,
      end: 48,
    });
    expect(readOuterIp(setOuterEcn(v6, 0)).tos).toBe(0xa8);
    expect(fixOuterIp(v6)[5]).toBe(9);
  });

  test("each change of a GRE packet is one thing: its checksum is right, but where it is to be wrong", () => {
    for (const mutation of greMutations({ key: true, csum: true, seq: true })) {
      const { name } = mutation;
      const changed = mutation.apply(GRE.slice(), 20);
      const hasChecksum = changed.length >= 28 && (changed[20]! & 0x80) !== 0;
      if (!hasChecksum) continue;
      expect([name, isRight(changed.subarray(20))]).toEqual([name, name !== "a wrong checksum"]);
    }
    expect(greSequence(GRE, 20)).toBe(7);
    const next = setGreSequence(GRE.slice(), 20, 8);
    expect([greSequence(next, 20), isRight(next.subarray(20))]).toEqual([8, true]);
  });

  test("bytes are taken out and put in", () => {
    expect([...splice(Uint8Array.of(1, 2, 3, 4), 1, 2, [9])]).toEqual([1, 9, 4]);
  });
});

describe("the list of configurations", () => {
  test("names are different, and each configuration makes a tunnel of the kind that the kernel is told", () => {
    expect(new Set(SPECS.map(({ name }) => name)).size).toBe(SPECS.length);
    expect(SPECS.length).toBe(49);
    for (const { link, make, underlay } of SPECS) {
      const type = /type (?:ip6)?(\w+)/.exec(link)?.[1];
      const { kind } = make({ local: 1, remote: 2, id: 3 });
      expect(kind === "6to4" ? "sit" : kind === "ip6tnl" ? "tnl" : kind).toBe(type);
      expect([4, 6]).toContain(underlay);
    }
  });

  test("what became of it is a table", () => {
    const outcome = (name: string, what: "passed" | "failed" | "skipped") => ({ name, outcome: what, detail: "" });
    expect(
      tableOf([
        outcome("gre: ping", "passed"),
        outcome("gre: mtu", "failed"),
        outcome("ipip in FOU: ping", "skipped"),
        outcome("uml: tshark finds nothing", "passed"),
      ]).split("\n"),
    ).toEqual(["tunnel       ping  mtu", "gre          ok    FAIL", "ipip in FOU  skip  –"]);
  });
});
