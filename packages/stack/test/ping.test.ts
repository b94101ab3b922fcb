import { millis } from "@seville/core";
import { expect, test } from "vitest";
import { startPing } from "../src/index.ts";
import { chain, pair } from "./support/world.ts";

test.each([
  ["IPv4", "10.0.2.1"],
  ["IPv6", "2001:db8:2::1"],
])("H1: echo requests over %s cross a router and come back (RFC 792, RFC 4443 §4.2)", (_family, to) => {
  const { world, a } = chain({ left: { delay: millis(1) }, right: { delay: millis(2) } });
  const ping = startPing(a, to, { count: 3 });
  world.runMs(5000);
  const report = ping.report();
  expect(ping.done).toBe(true);
  expect(report).toMatchObject({ transmitted: 3, received: 3, loss: 0, duplicates: 0, errors: 0 });
  expect(report.text).toContain("ttl=63");
  expect(report.min).toBe(millis(6));
});

test("H1: a neighbour answers within the round trip of the wire, and the text says so as ping does", () => {
  const { world, a } = pair({ delay: millis(1) });
  const ping = startPing(a, "10.0.0.2", { count: 1 });
  world.runMs(20);
  expect(ping.report().text).toMatch(/64 bytes from 10\.0\.0\.2: icmp_seq=1 ttl=64 time=[\d.]+ ms/);
  expect(ping.report().text).toContain("1 packets transmitted, 1 received, 0% packet loss");
});
