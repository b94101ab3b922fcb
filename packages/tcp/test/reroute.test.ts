import { describe, expect, test } from "vitest";
import type { TcpConnection, TcpSettings } from "../src/index.ts";
import { Pair, type PairOptions } from "./pair.ts";
import { Script, SYN_OPTIONS } from "./script.ts";

/** A connection with ECN whose peer marks `share` of what it acknowledges, `rounds` rounds long; answers how often the path was drawn anew. */
function congested(settings: Partial<TcpSettings>, rounds: number, marked: boolean): { s: Script; c: TcpConnection } {
  const s = new Script({ tcp_ecn: 1, tcp_plb_enabled: 1, tcp_congestion_control: "dctcp", ...settings });
  const listener = s.listen();
  s.say({ flags: "SEW", win: 65_535, options: SYN_OPTIONS });
  s.say({ seq: 1, ack: 1 });
  const c = s.endpoint.accept(listener, s.now);
  if (c === undefined) throw new Error("no connection came about");
  for (let round = 0; round < rounds; round++) {
    s.write(c, 3000);
    s.wait(5);
    s.say({ flags: marked ? ".E" : ".", seq: 1, ack: (c.sndNxt - s.iss) | 0 });
    s.wait(5);
  }
  return { s, c };
}

describe("PLB (SIGCOMM 2022, tcp_plb.c)", () => {
  test("tcp_plb_idle_rehash_rounds: three congested rounds, and an idle moment, draw another path", () => {
    const { s, c } = congested({ tcp_plb_idle_rehash_rounds: 3 }, 2, true);
    const hash = c.txhash;
    expect(c.plbRehash).toBe(0);
    const { s: t, c: d } = congested({ tcp_plb_idle_rehash_rounds: 3 }, 8, true);
    expect(d.plbRehash).toBeGreaterThanOrEqual(1);
    expect(d.txhash).not.toBe(hash);
    expect(t.endpoint.extMib.TCPPLBRehash).toBe(d.plbRehash);
    s.finish();
    t.finish();
  });

  test("without marks, and with tcp_plb_enabled 0, the path stays", () => {
    for (const [settings, marked] of [
      [{}, false],
      [{ tcp_plb_enabled: 0 }, true],
    ] as const) {
      const { s, c } = congested(settings, 20, marked);
      expect(c.plbRehash).toBe(0);
      s.finish();
    }
  });

  test("tcp_plb_suspend_rto_sec: after a timeout PLB rests for at least as long", () => {
    const { s, c } = congested({ tcp_early_retrans: 0 }, 1, true);
    s.write(c, 1000);
    const before = c.txhash;
    s.wait(300);
    expect(c.txhash).not.toBe(before);
    s.say({ flags: ".", seq: 1, ack: (c.sndNxt - s.iss) | 0 });
    const after = c.txhash;
    for (let round = 0; round < 20; round++) {
      s.write(c, 3000);
      s.wait(5);
      s.say({ flags: ".E", seq: 1, ack: (c.sndNxt - s.iss) | 0 });
    }
    expect([c.plbRehash, c.txhash]).toEqual([0, after]);
    s.finish();
  });
});

describe("protective reroute (SIGCOMM 2023): a fabric of four paths that routers choose by txhash", () => {
  /** Paths by hash; those in `broken` swallow everything. */
  function fabric(broken: ReadonlySet<number>): PairOptions {
    return { fate: ({ txhash }, _from, now) => (broken.has(txhash % 4) ? [] : [now + 5_000_000]) };
  }

  test("a SYN that is lost on a dead path tries others until it gets through", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const pair = new Pair({ seed, ...fabric(new Set([0, 1])) });
      pair.listen();
      const c = pair.connect();
      pair.run(60_000_000_000, () => c.state === "ESTABLISHED");
      expect(c.state, `seed ${seed}`).toBe("ESTABLISHED");
      pair.finish();
    }
  });

  test("a connection whose path dies in the middle of a transfer goes on by another one", () => {
    const broken = new Set<number>();
    const pair = new Pair({ seed: 3, ...fabric(broken) });
    const [client, server] = pair.open();
    const hashes = [client.txhash, server.txhash];
    pair.send(0, client, new Uint8Array(50_000).fill(1));
    pair.run(7_000_000);
    broken.add(client.txhash % 4);
    let read = 0;
    pair.run(120_000_000_000, () => (read += pair.receive(1, server).length) >= 50_000);
    expect(read).toBe(50_000);
    expect(client.txhash).not.toBe(hashes[0]);
    expect(pair.ends[0].extMib.TcpTimeoutRehash).toBeGreaterThanOrEqual(1);
    pair.finish();
  });

  test("the receiver, too: duplicates tell that its acknowledgments' path is dead", () => {
    const pair = new Pair({ seed: 5, addresses: ["2001:db8::1", "2001:db8::2"] });
    const [client, server] = pair.open();
    const dead = server.txhash % 4;
    pair.fate = ({ txhash }, from, now) => (from === 1 && txhash % 4 === dead ? [] : [now + 5_000_000]);
    pair.send(0, client, new Uint8Array(5000).fill(1));
    pair.run(120_000_000_000, () => client.packetsOut === 0);
    expect(client.packetsOut).toBe(0);
    expect(server.txhash % 4).not.toBe(dead);
    expect(pair.ends[1].extMib.TcpDuplicateDataRehash).toBeGreaterThanOrEqual(1);
    pair.finish();
  });
});

describe("RFC 9768: AccECN from end to end", () => {
  for (const role of ["client", "server"] as const) {
    test(`the ${role} sends: what is marked on the way is what it learns, and its window comes down`, () => {
      const from = role === "client" ? 0 : 1;
      let marks = 0;
      const settings = { tcp_ecn: 3 };
      const pair = new Pair({
        seed: 2,
        endpoint: { settings: new Script(settings).settings },
        mark: (output, end) => {
          if (end !== from || output.ecn === 0 || output.packet.length < 500 || pair.sent.length % 3 !== 0)
            return output.ecn;
          marks++;
          return 3;
        },
      });
      const [client, server] = pair.open();
      const ends = [client, server] as const;
      expect(ends.map((c) => c.accEcn !== undefined)).toEqual([true, true]);
      const sender = ends[from];
      const receiver = ends[1 - from] as TcpConnection;
      pair.send(from, sender, new Uint8Array(60_000).fill(7));
      let read = 0;
      pair.run(20_000_000_000, () => (read += pair.receive((1 - from) as 0 | 1, receiver).length) >= 60_000);
      pair.run(1_000_000_000);
      expect(read).toBe(60_000);
      expect(marks).toBeGreaterThan(3);
      expect(sender.deliveredCe).toBe(marks);
      expect(pair.ends[from].info(sender, pair.now).snd_ssthresh).toBeLessThan(0x7fff_ffff);
      pair.finish();
    });
  }
});
