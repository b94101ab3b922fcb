import { expect, test } from "vitest";
import type { ConnectOptions } from "../src/index.ts";
import { Script, SYN_OPTIONS, type TcpOption } from "./script.ts";

const COOKIE = { kind: "fast-open", cookie: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) } as const satisfies TcpOption;
const DATA: ConnectOptions = { data: new Uint8Array(100).fill(0x62) };

function cookieOf(options: readonly TcpOption[] | undefined): Uint8Array | undefined {
  const option = options?.find(({ kind }) => kind === "fast-open");
  return option?.kind === "fast-open" ? option.cookie : undefined;
}

/** A client that got its cookie from a connection before, which it has closed by RST. */
function knowing(settings: ConstructorParameters<typeof Script>[0] = {}): Script {
  const s = new Script(settings);
  const c = s.connect(DATA);
  s.say({ flags: "S.", ack: 1, win: 65_535, options: [...SYN_OPTIONS, COOKIE] });
  s.do((endpoint, now) => endpoint.abort(c, now));
  s.hear();
  return s;
}

test("RFC 7413 §4.2.1: without a cookie the SYN asks for one, and the data follows the handshake", () => {
  const s = new Script();
  const c = s.connect(DATA);
  const [syn] = s.hear();
  expect([syn?.flags, syn?.length, cookieOf(syn?.options)?.length]).toEqual(["S", 0, 0]);
  s.say({ flags: "S.", ack: 1, win: 65_535, options: [...SYN_OPTIONS, COOKIE] });
  expect(s.lines()).toEqual([". 1:1(0) ack 1"]);
  // Nothing was taken with the SYN: the user writes again.
  expect(c.fastOpenTaken).toBe(0);
  s.write(c, 100);
  expect(s.lines()).toEqual(["P. 1:101(100) ack 1"]);
  expect(c.state).toBe("ESTABLISHED");
  s.finish();
});

test("RFC 7413 §4.2.2: with a cookie the data goes with the SYN, once", () => {
  const s = knowing();
  const c = s.connect(DATA);
  const [syn] = s.hear();
  expect([syn?.flags, syn?.length]).toEqual(["S", 100]);
  expect(cookieOf(syn?.options)).toEqual(COOKIE.cookie);
  s.say({ flags: "S.", ack: 101, win: 65_535, options: SYN_OPTIONS });
  expect(s.lines()).toEqual([". 101:101(0) ack 1"]);
  expect(c.packetsOut).toBe(0);
  expect(s.endpoint.extMib.TCPFastOpenActive).toBe(1);
  s.finish();
});

test("RFC 7413 §4.2.2: data that the SYN/ACK does not acknowledge goes again at once", () => {
  const s = knowing();
  const c = s.connect(DATA);
  s.hear();
  s.say({ flags: "S.", ack: 1, win: 65_535, options: SYN_OPTIONS });
  expect(
    s
      .hear()
      .filter((h) => h.length > 0)
      .map((h) => [h.seq, h.length]),
  ).toEqual([[1, 100]]);
  expect(s.endpoint.extMib.TCPFastOpenActiveFail).toBe(1);
  expect(c.state).toBe("ESTABLISHED");
  s.finish();
});

test("RFC 7413 §4.1.3.1: a SYN with data that was lost is repeated without data and without the option", () => {
  const s = knowing();
  s.connect(DATA);
  s.hear();
  s.wait(1500);
  const [again] = s.hear();
  expect([again?.flags, again?.length, cookieOf(again?.options)]).toEqual(["S", 0, undefined]);
  s.finish();
});

test("tcp_fastopen_active_disable: two timeouts after the handshake tell of a network that eats Fast Open: none for a while", () => {
  const s = knowing({ tcp_fastopen_blackhole_timeout_sec: 60 });
  const attempt = (): number => {
    const c = s.connect(DATA);
    const length = s.hear()[0]?.length ?? -1;
    s.say({ flags: "S.", ack: 1 + length, win: 65_535, options: SYN_OPTIONS });
    s.do((endpoint, now) => {
      endpoint.abort(c, now);
    });
    s.hear();
    return length;
  };
  expect(attempt()).toBe(100);
  const blocked = s.connect(DATA);
  s.say({ flags: "S.", ack: 101, win: 65_535, options: SYN_OPTIONS });
  expect(blocked.state).toBe("ESTABLISHED");
  for (let i = 0; i < 3; i++) s.write(blocked, 10);
  // Nothing comes back: the second timeout says so.
  s.wait(2000);
  expect(s.endpoint.extMib.TCPFastOpenBlackhole).toBe(1);
  s.do((endpoint, now) => endpoint.abort(blocked, now));
  s.hear();
  expect(attempt()).toBe(0);
  s.wait(61_000);
  expect(attempt()).toBe(100);
  s.finish();
});

test("tcp_fastopen: 0 neither asks nor sends data, 4 sends data without a cookie", () => {
  const s = new Script({ tcp_fastopen: 0 });
  s.connect(DATA);
  const [plain] = s.hear();
  expect([plain?.length, cookieOf(plain?.options)]).toEqual([0, undefined]);
  const t = new Script({ tcp_fastopen: 4 | 1 });
  t.connect(DATA);
  expect(t.hear()[0]?.length).toBe(100);
  s.finish();
  t.finish();
});
