import { describe, expect, test } from "vitest";
import { millis } from "@seville/core";
import { parseLink } from "@seville/sim";

describe("a link as text", () => {
  test.each([
    ["", {}],
    ["delay=20ms loss=1%", { delay: millis(20), loss: 0.01 }],
    ["rate=10mbit, mtu=9000", { rate: 10e6, mtu: 9000 }],
    [
      "jitter=2ms duplicate=0.5% corrupt=0.1% reorder=25%",
      { jitter: millis(2), duplicate: 0.005, corrupt: 0.001, reorder: 0.25 },
    ],
    ["queue=100p", { queue: { kind: "fifo", limitPackets: 100 } }],
    ["queue=64kb", { queue: { kind: "fifo", limitBytes: 65_536 } }],
    ["queue=fq_codel framing=none", { queue: { kind: "fq_codel" }, framing: "none" }],
    ["delay=1ms delay=2ms", { delay: millis(2) }],
  ])("%j", (text, options) => {
    expect(parseLink(text)).toEqual(options);
  });

  test.each(["lag=20ms", "delay", "=1", "delay 20ms"])("%j: the word is named, and those that there are", (text) => {
    expect(() => parseLink(text)).toThrow(/says nothing about a link: write delay=… jitter=…/);
  });

  test.each([
    ["delay=soon", "delay"],
    ["loss=200%", "loss"],
    ["mtu=10", "mtu must be 68 to 65535 bytes"],
    ["framing=token-ring", "framing must be ethernet or none"],
    ["queue=many", "queue"],
  ])("%j: the argument is named", (text, message) => {
    expect(() => parseLink(text)).toThrow(message);
  });
});
