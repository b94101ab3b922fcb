import { DROP_REASONS, type DropReason } from "@seville/core";
import { describe, expect, test } from "vitest";
import { newStats, type TunnelStats } from "../src/index.ts";
import { countRxDrop, countTxDrop } from "../src/tunnel/stats.ts";

/* Which counter a dropped packet goes to (struct rtnl_link_stats64; ip -s -s link): for every reason that there is. */

type Counter = keyof TunnelStats;

/** Counters that `count` moved, but for `rxErrors` and `txErrors` themselves. */
function moved(count: (stats: TunnelStats) => void): { readonly errors: number; readonly others: Counter[] } {
  const stats = newStats();
  count(stats);
  const others = (Object.keys(stats) as Counter[]).filter(
    (name) => stats[name] !== 0 && name !== "rxErrors" && name !== "txErrors",
  );
  for (const name of others) expect(stats[name]).toBe(1);
  return { errors: stats.rxErrors + stats.txErrors, others };
}

const RX: Partial<Record<DropReason, Counter>> = {
  HDR_TRUNC: "rxLengthErrors",
  PKT_TOO_SMALL: "rxLengthErrors",
  GRE_CSUM: "rxCrcErrors",
  GRE_CSUM_MISSING: "rxCrcErrors",
  GRE_CSUM_UNEXPECTED: "rxCrcErrors",
  UDP_CSUM: "rxCrcErrors",
  GRE_SEQ_MISSING: "rxFifoErrors",
  GRE_SEQ_OLD: "rxFifoErrors",
  IP_TUNNEL_ECN: "rxFrameErrors",
  DEV_HDR: "rxFrameErrors",
  VXLAN_INVALID_HDR: "rxFrameErrors",
  GENEVE_CRITICAL_OPTION: "rxFrameErrors",
};

describe("T13 what is received and dropped", () => {
  test.each(DROP_REASONS.filter((reason) => reason !== "NOMEM"))(
    "T13 %s is an error, and one of its kind",
    (reason) => {
      const wanted = RX[reason];
      expect(moved((stats) => countRxDrop(stats, reason))).toEqual({
        errors: 1,
        others: wanted === undefined ? [] : [wanted],
      });
    },
  );

  test("T13 want of memory is no error of the packet", () => {
    expect(moved((stats) => countRxDrop(stats, "NOMEM"))).toEqual({ errors: 0, others: ["rxDropped"] });
  });
});

describe("T11 T15 what cannot be sent", () => {
  test.each(DROP_REASONS)("T11 T15 %s", (reason) => {
    const wanted: Partial<Record<DropReason, Counter>> = {
      NOMEM: "txDropped",
      PKT_TOO_BIG: "txDropped",
      RECURSION_LIMIT: "collisions",
    };
    const counter = wanted[reason];
    expect(moved((stats) => countTxDrop(stats, reason))).toEqual({
      errors: 1,
      others: counter === undefined ? [] : [counter],
    });
  });
});
