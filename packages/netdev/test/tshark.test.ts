import { expect } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { PROFILES } from "../src/index.ts";
import { requestPacket, wireFrames, type Request, type Tunnel } from "./support/requests.ts";
import { tsharkVerdicts } from "./support/tshark.ts";
import { faultsOf } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const TUNNELS: readonly Tunnel[] = ["none", "vxlan", "geneve", "gre", "gretap", "ipip"];

/** Every protocol in every tunnel, one frame and a train of three. */
const matrix: readonly Request[] = TUNNELS.flatMap((tunnel) =>
  ([4, 6] as const).flatMap((inner) =>
    ([4, 6] as const).flatMap((outer) =>
      ([true, false] as const).flatMap((outerCsum): Request[] => [
        { tunnel, inner, outer, outerCsum, protocol: "tcp", payload: 2500, mss: 1000 },
        { tunnel, inner, outer, outerCsum, protocol: "udp", payload: 2500, mss: 1000 },
        { tunnel, inner, outer, outerCsum, protocol: "udp", payload: 77 },
        { tunnel, inner, outer, outerCsum, protocol: "sctp", payload: 60 },
      ]),
    ),
  ),
);

testWith(
  ["tshark"],
  "D1 tshark finds no bad checksum and nothing malformed in what any NIC sends",
  () => {
    const frames: Uint8Array[] = [];
    for (const profile of PROFILES) {
      const world = new World();
      const nic = world.nic("a", { profile });
      world.send(nic, ...matrix.map((request) => requestPacket(world.pool, request)));
      // By hash and queue they keep their order: one queue.
      expect(world.wire).toEqual(matrix.flatMap((request) => wireFrames(request)));
      frames.push(...world.wire);
      world.close();
    }
    const verdicts = tsharkVerdicts(frames);
    expect(verdicts).toHaveLength(frames.length);
    for (const [i, { bad, good, malformed }] of verdicts.entries()) {
      expect({ frame: i, bad, malformed }).toEqual({ frame: i, bad: 0, malformed: false });
      expect(good).toBeGreaterThan(0);
      expect(faultsOf(frames[i]!)).toEqual([]);
    }
  },
  60_000,
);

testWith(["tshark"], "D2 tshark and the verifier of these tests agree on frames that are wrong", () => {
  const frames = matrix
    .filter(({ protocol }) => protocol !== "sctp")
    .map((request) => {
      const frame = wireFrames({ ...request, payload: 100 })[0]!;
      frame[frame.length - 1]! ^= 1;
      return frame;
    });
  for (const [i, { bad }] of tsharkVerdicts(frames).entries()) {
    expect(bad > 0).toBe(faultsOf(frames[i]!).length > 0);
    expect(bad).toBeGreaterThan(0);
  }
});
