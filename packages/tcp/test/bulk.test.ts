import { expect, test } from "vitest";
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
  const data = pattern(1 << 20);
  const received: Uint8Array[] = [];
  let sent = 0;
  let got = 0;
  pair.onEvent = (end, event) => {
    if (event.type === "writable" && end === 0 && sent < data.length)
      sent += pair.ends[0].send(client, data.subarray(sent), 0, pair.now);
    if (event.type === "readable" && end === 1) {
      const into = new Uint8Array(1 << 17);
      const read = pair.ends[1].receive(server, into, 0, pair.now);
      if (read > 0) {
        received.push(into.subarray(0, read));
        got += read;
      }
    }
  };
  sent += pair.send(0, client, data);
  pair.run(60_000_000_000, () => got === data.length);
  expect(got).toBe(data.length);
  expect(Buffer.concat(received).equals(Buffer.from(data))).toBe(true);
  pair.finish();
});
