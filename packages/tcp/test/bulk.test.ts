import { expect, test } from "vitest";
import { linuxSettings, type TcpConnection } from "../src/index.ts";
import { checkInvariants } from "./invariants.ts";
import { Pair } from "./pair.ts";

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8)) & 0xff;
  return bytes;
}

test("RFC 9293 §3.5: three segments make a connection, with the options of both sides", () => {
  const pair = new Pair();
  const [client, server] = pair.open();
  expect(client.state).toBe("ESTABLISHED");
  expect(server.state).toBe("ESTABLISHED");
  expect(pair.sent.length).toBe(3);
  pair.finish();
});

test("a megabyte arrives once and in order", () => {
  const pair = new Pair();
  const [client, server] = pair.open();
  carry(pair, client, server, pattern(1 << 20));
  pair.finish();
});

test("RFC 4821 §7: the search finds the largest segment that passes, though nothing says that larger ones do not", () => {
  const settings = linuxSettings();
  settings.tcp_mtu_probing = 2;
  const pair = new Pair({ mtu: 9000, endpoint: { settings } });
  const [client, server] = pair.open();
  const most = 4000;
  pair.fate = (output, _from, now) => (output.packet.length > most ? [] : [now + 5_000_000]);
  expect(client.mssCache).toBe(1024);
  carry(pair, client, server, pattern(1 << 21));
  expect(client.mssCache).toBeGreaterThan(most * 0.75);
  expect(client.mssCache).toBeLessThanOrEqual(most - 32);
  expect(pair.ends[0].extMib.TCPMTUPSuccess).toBeGreaterThan(0);
  expect(pair.ends[0].extMib.TCPMTUPFail).toBeGreaterThan(0);
  pair.finish();
});

/** Sends `data` and reads it at the other end, whole and in order. */
function carry(pair: Pair, client: TcpConnection, server: TcpConnection, data: Uint8Array): void {
  const received: Uint8Array[] = [];
  let sent = 0;
  let got = 0;
  pair.onEvent = (end, event) => {
    if (event.type === "writable" && end === 0 && sent < data.length)
      sent += pair.ends[0].send(client, data.subarray(sent), 0, pair.now);
    for (let more = event.type === "readable" && end === 1; more;) {
      const into = new Uint8Array(1 << 17);
      const read = pair.ends[1].receive(server, into, 0, pair.now);
      more = read > 0;
      if (more) received.push(into.subarray(0, read));
      got += Math.max(read, 0);
    }
    checkInvariants(client);
  };
  sent += pair.send(0, client, data);
  pair.run(60_000_000_000, () => got === data.length);
  expect(got).toBe(data.length);
  expect(Buffer.concat(received).equals(Buffer.from(data))).toBe(true);
}
