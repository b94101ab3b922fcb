import fc from "fast-check";
import { icmpv6, mld, parseIpv6, readIpv6 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import type { FilterMode } from "../src/interface/multicast-groups.ts";
import {
  currentStateRecord,
  NOTHING,
  packRecords,
  type GroupRecord,
  type Reception,
} from "../src/multicast/group-record.ts";
import { PendingChange } from "../src/multicast/pending-change.ts";
import { MulticastGroups } from "../src/interface/multicast-groups.ts";
import { fromHex, icmp6Frame, icmp6Of, LinkWorld, recorded, toHex, type SentFrame } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.router_solicitations": 0 };
const SOLICITED = parseIpv6("ff02::1:ff00:1");

interface Step {
  readonly step: string;
  readonly frames: readonly { readonly ms: number; readonly frame: string }[];
}

/** A report of either version, or a DAD probe, in words that can be compared; records in the order of their groups. */
function summary(bytes: Uint8Array): string {
  const frame = icmp6Of(bytes)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = frame.routerAlert ? 62 : 54;
  const front = `${frame.source} > ${frame.destination} hops ${frame.hops}${frame.routerAlert ? " alert" : ""}`;
  if (frame.type !== icmpv6.MLDV2_REPORT) return `${front} type ${frame.type} ${readIpv6(view, at + 8).toString()}`;
  const records = mld.parseReport(view, at, bytes.length)!;
  const said = records.map(
    ({ type, group, sources }) => `${type} ${group.toString()} [${sources.map(String).sort().join(" ")}]`,
  );
  return `${front} v2 ${said.sort().join(", ")}`;
}

function isReport({ bytes }: SentFrame): boolean {
  return [131, 132, 143].includes(icmp6Of(bytes)?.type ?? 0);
}

interface Query {
  readonly group?: string;
  readonly delay?: number;
  readonly sources?: readonly string[];
  readonly v1?: boolean;
  readonly source?: string;
  readonly hops?: number;
  readonly routerAlert?: boolean;
  readonly robustness?: number;
}

function query(given: Query): Uint8Array {
  const group = given.group ?? "::";
  const sources = (given.sources ?? []).map((text) => parseIpv6(text));
  const body = new Uint8Array(given.v1 === true ? 24 : 28 + 16 * sources.length);
  const view = new DataView(body.buffer);
  if (given.v1 === true)
    mld.write(view, 0, { type: 130, maxResponseDelay: given.delay ?? 1000, group: parseIpv6(group) });
  else {
    mld.writeQuery(view, 0, {
      group: parseIpv6(group),
      maxResponseDelay: given.delay ?? 1000,
      suppressRouterProcessing: false,
      robustness: given.robustness ?? 2,
      queryInterval: 125,
      sources,
    });
  }
  const destination = group === "::" ? "ff02::1" : group;
  return icmp6Frame({
    source: given.source ?? "fe80::99",
    destination,
    body,
    hops: given.hops ?? 1,
    routerAlert: given.routerAlert ?? true,
  });
}

describe("N50 MLDv2 step by step as the recorded kernel (mld, RFC 3810 §6)", () => {
  const steps = recorded("mld") as readonly Step[];
  test("N50 every report has the content of the kernel's, in the same number", () => {
    const w = new LinkWorld({ sysctls: QUIET });
    const groups = w.iface.v6.groups;
    const a = {};
    const b = {};
    const group = (text: string): ReturnType<typeof parseIpv6> => parseIpv6(text);
    const s = parseIpv6("ff3e::1");
    const [x, y] = [parseIpv6("2001:db8::a"), parseIpv6("2001:db8::b")];
    const actions: Record<string, () => void> = {
      "link up": () => undefined,
      "join ff0e::1234": () => groups.join(a, group("ff0e::1234")),
      "second socket joins ff0e::1234": () => groups.join(b, group("ff0e::1234")),
      "first socket leaves": () => groups.leave(a, group("ff0e::1234")),
      "second socket leaves": () => groups.leave(b, group("ff0e::1234")),
      "join ff3e::1 from 2001:db8::a": () => groups.setFilter(a, s, "include", [x]),
      "and from 2001:db8::b": () => groups.setFilter(a, s, "include", [x, y]),
      "another socket from any but 2001:db8::a": () => {
        groups.join(b, s);
        groups.setFilter(b, s, "exclude", [x]);
      },
      "general query, 1 s": () => w.receive(query({})),
      "group query, 1 s": () => w.receive(query({ group: "ff3e::1" })),
      "group and source query, 1 s": () =>
        w.receive(query({ group: "ff3e::1", sources: ["2001:db8::a", "2001:db8::b"] })),
      "query for a group not joined": () => w.receive(query({ group: "ff0e::9999" })),
      "query from a global source": () => w.receive(query({ source: "2001:db8::99" })),
      "the other socket leaves": () => groups.leave(b, s),
      "drops source 2001:db8::a": () => groups.setFilter(a, s, "include", [y]),
      "drops source 2001:db8::b": () => groups.setFilter(a, s, "include", []),
      "MLDv1 query, 1 s": () => {
        groups.join(a, group("ff0e::77"));
        w.run(2200);
        w.receive(query({ v1: true }));
      },
      "MLDv1 leave": () => groups.leave(a, group("ff0e::77")),
      "MLDv1 join": () => groups.join(a, group("ff0e::78")),
    };
    for (const { step, frames } of steps) {
      const act = actions[step];
      expect(act, step).toBeDefined();
      act?.();
      // The kernel was watched for a second after an MLDv1 join; its second report comes within ten.
      w.run(step === "link up" ? 4500 : step === "MLDv1 join" ? 1 : 2600);
      const ours = w
        .take()
        .filter((frame) => isReport(frame) || (step === "link up" && icmp6Of(frame.bytes)?.type === 135))
        .map(({ bytes }) => summary(bytes));
      const theirs = frames.map(({ frame }) => summary(fromHex(frame)));
      if (step === "group and source query, 1 s") {
        // RFC 3810 §6.3 answers with the sources that are wanted of those asked for. Linux says the whole filter when
        // it excludes nothing: both tell the router to keep both sources.
        expect(theirs).toEqual(["fe80::ff:fe00:1 > ff02::16 hops 1 alert v2 2 ff3e::1 []"]);
        expect(ours).toEqual(["fe80::ff:fe00:1 > ff02::16 hops 1 alert v2 1 ff3e::1 [2001:db8::a 2001:db8::b]"]);
        continue;
      }
      // The order in which two timers of one query fire is drawn.
      expect([step, ...ours.sort()]).toEqual([step, ...theirs.sort()]);
    }
    w.down();
    expect(w.inUse).toBe(0);
  });

  test("N50 the composed report is, byte for byte, the kernel's", () => {
    const w = new LinkWorld({ sysctls: QUIET });
    w.run(4500);
    w.take();
    w.iface.v6.groups.join({}, parseIpv6("ff0e::1234"));
    w.run(1);
    const theirs = steps.find(({ step }) => step === "join ff0e::1234")!.frames[0]!.frame;
    expect(toHex(w.take()[0]!.bytes)).toBe(theirs);
  });
});

describe("N51 queries", () => {
  function ready(): LinkWorld {
    const w = new LinkWorld({ sysctls: QUIET });
    w.run(4500);
    w.iface.v6.groups.join({}, parseIpv6("ff0e::1"));
    w.run(3000);
    w.take();
    return w;
  }

  test("N51 RFC 3810 §5.1.3, §6.2: the answer comes at a random time up to the maximum response delay", () => {
    const times = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const w = new LinkWorld({ seed: i + 1, sysctls: QUIET });
      w.run(4500);
      w.take();
      const start = w.now / 1e6;
      w.receive(query({ delay: 10_000 }));
      w.run(10_001);
      const sent = w.take(isReport);
      expect(sent).toHaveLength(1);
      times.add(Math.floor((sent[0]!.ms - start) / 1000));
    }
    expect(times.size).toBeGreaterThan(4);
  });

  test("N51 RFC 3810 §6.2: several queries, one answer; a pending general answer serves a group query that is later", () => {
    const w = ready();
    for (let i = 0; i < 5; i++) w.receive(query({ delay: 1000 }));
    w.run(1100);
    expect(w.take(isReport)).toHaveLength(1);
    w.receive(query({ delay: 1 }));
    w.receive(query({ delay: 8000, group: "ff0e::1" }));
    w.run(10_000);
    expect(w.take(isReport)).toHaveLength(1);
  });

  test("N51 RFC 3810 §6.2 (5): sources of several queries add up; one for the whole group widens it", () => {
    const w = ready();
    const s = parseIpv6("ff3e::5");
    const [x, y, z] = ["2001:db8::a", "2001:db8::b", "2001:db8::c"].map(parseIpv6) as [never, never, never];
    w.iface.v6.groups.setFilter({}, s, "include", [x, y, z]);
    w.run(3000);
    w.take();
    w.receive(query({ group: "ff3e::5", sources: ["2001:db8::a"], delay: 5000 }));
    w.receive(query({ group: "ff3e::5", sources: ["2001:db8::b"], delay: 5000 }));
    w.run(5001);
    expect(w.take(isReport).map(({ bytes }) => summary(bytes))).toEqual([
      "fe80::ff:fe00:1 > ff02::16 hops 1 alert v2 1 ff3e::5 [2001:db8::a 2001:db8::b]",
    ]);
    w.receive(query({ group: "ff3e::5", sources: ["2001:db8::a"], delay: 5000 }));
    w.receive(query({ group: "ff3e::5", delay: 5000 }));
    w.run(5001);
    expect(w.take(isReport).map(({ bytes }) => summary(bytes))).toEqual([
      "fe80::ff:fe00:1 > ff02::16 hops 1 alert v2 1 ff3e::5 [2001:db8::a 2001:db8::b 2001:db8::c]",
    ]);
  });

  test("N51 RFC 3810 §5.1.14: a query with another hop limit, without router alert or from a global address is dropped", () => {
    const w = ready();
    for (const bad of [
      { hops: 2 },
      { routerAlert: false },
      { source: "2001:db8::9" },
      { group: "::", sources: ["2001:db8::a"] },
      { group: "2001:db8::5" },
    ]) {
      w.receive(query(bad));
    }
    w.run(2000);
    expect(w.take(isReport)).toEqual([]);
    expect(w.drops).toEqual([
      "IPV6_NDISC_HOP_LIMIT",
      "IPV6_NDISC_HOP_LIMIT",
      "IP_INVALID_SOURCE",
      "NOT_SPECIFIED",
      "IP_INVALID_DEST",
    ]);
  });

  test("N51 RFC 3810 §9.1: the querier's robustness is how often a change is told; 0 means the default", () => {
    const w = ready();
    w.receive(query({ robustness: 5 }));
    w.run(2000);
    w.take();
    w.iface.v6.groups.join({}, parseIpv6("ff0e::2"));
    w.run(10_000);
    expect(w.take(isReport)).toHaveLength(5);
    w.receive(query({ robustness: 0 }));
    w.run(2000);
    w.take();
    w.iface.v6.groups.join({}, parseIpv6("ff0e::3"));
    w.run(10_000);
    expect(w.take(isReport)).toHaveLength(2);
  });

  test("N51 RFC 3810 §8.2.1: the older version is spoken until the older querier present timeout", () => {
    const w = ready();
    w.receive(query({ v1: true, delay: 1000 }));
    const reporter = w.layers.mld.of(w.iface)!;
    expect(reporter.mode).toBe("v1");
    // Robustness 2 times 125 s and the response delay.
    w.run(250_900);
    expect(reporter.mode).toBe("v1");
    w.run(200);
    expect(reporter.mode).toBe("current");
  });

  test("N51 RFC 2710 §4: another's report of the group makes ours needless, and no leave is due", () => {
    const w = ready();
    const user = {};
    w.receive(query({ v1: true, delay: 1 }));
    w.run(100);
    w.iface.v6.groups.join(user, parseIpv6("ff0e::7"));
    w.run(1);
    w.take();
    const body = new Uint8Array(24);
    mld.write(new DataView(body.buffer), 0, { type: 131, group: parseIpv6("ff0e::7") });
    w.receive(icmp6Frame({ source: "fe80::98", destination: "ff0e::7", body, hops: 1, routerAlert: true }));
    w.iface.v6.groups.leave(user, parseIpv6("ff0e::7"));
    w.run(20_000);
    expect(w.take(isReport)).toEqual([]);
  });

  test("N51 force_mld_version 2 ignores older routers, 1 speaks as they do", () => {
    const w = ready();
    w.host.sysctls.setText("net.ipv6.conf.eth0.force_mld_version", "2");
    w.receive(query({ v1: true }));
    expect(w.layers.mld.of(w.iface)!.mode).toBe("current");
    w.host.sysctls.setText("net.ipv6.conf.eth0.force_mld_version", "1");
    w.take();
    w.iface.v6.groups.join({}, parseIpv6("ff0e::9"));
    w.run(1);
    expect(w.take(isReport).map(({ bytes }) => icmp6Of(bytes)?.type)).toEqual([131]);
  });

  test("N51 RFC 3810 §6: the all-nodes group and groups within the machine are never reported", () => {
    const w = ready();
    for (const text of ["ff02::1", "ff01::5", "ff00::5"]) w.iface.v6.groups.join({}, parseIpv6(text));
    w.run(5000);
    expect(w.take(isReport)).toEqual([]);
    expect(SOLICITED.toString()).toBe("ff02::1:ff00:1");
  });
});

describe("N52 reports against set algebra (RFC 3376 §3.2, §5.1, §6.4; RFC 3810 §7.4)", () => {
  const SOURCES = ["a", "b", "c", "d"].map((digit) => parseIpv6(`2001:db8::${digit}`));
  const GROUP = parseIpv6("ff3e::1");
  const filter = fc.record({ mode: fc.constantFrom<FilterMode>("include", "exclude"), sources: fc.subarray(SOURCES) });

  /** Which sources get through, and whether unknown ones do: what a state means. */
  function meaning(state: Reception<ReturnType<typeof parseIpv6>>): string {
    const wants = (source: unknown): boolean =>
      state.sources.includes(source as never) === (state.filterMode === "include");
    return [...SOURCES.map(wants), state.filterMode === "exclude"].map(Number).join("");
  }

  /** A router that believes every report (without its timers): RFC 3810 §7.4.2 as sets. */
  class NaiveRouter {
    include = new Set<unknown>();
    others = false;
    excluded = new Set<unknown>();
    hear({ type, sources }: GroupRecord): void {
      if (type === 2 || type === 4) {
        this.others = true;
        this.include = new Set();
        this.excluded = new Set(sources);
      } else if (type === 1 || type === 3) {
        this.others = false;
        this.excluded = new Set();
        this.include = new Set(sources);
      } else {
        // ALLOW and BLOCK act on whichever list is in force.
        for (const source of sources) {
          if (!this.others && type === 5) this.include.add(source);
          else if (!this.others) this.include.delete(source);
          else if (type === 5) this.excluded.delete(source);
          else this.excluded.add(source);
        }
      }
    }
    get meaning(): string {
      const wants = (s: unknown): boolean => (this.others ? !this.excluded.has(s) : this.include.has(s));
      return [...SOURCES.map(wants), this.others].map(Number).join("");
    }
  }

  test("N52 property: after any changes and any loss of less than robustness reports, the router knows the state", () => {
    fc.assert(
      fc.property(
        fc.array(filter, { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        (filters, losses) => {
          const router = new NaiveRouter();
          let state: Reception<(typeof SOURCES)[number]> = NOTHING;
          const pending = new PendingChange(GROUP, state);
          let draw = 0;
          let lost = false;
          for (const { mode, sources } of filters) {
            const after = { filterMode: mode, sources };
            pending.change(state, after, 2);
            state = after;
            // Each change is followed by one report, which may be lost if the one before was not: robustness is 2.
            const records = pending.take();
            lost = !lost && losses[draw++] === true;
            if (!lost) for (const record of records) router.hear(record);
          }
          // The last transmission arrives.
          for (let rounds = 0; !pending.isDone && rounds < 5; rounds++)
            for (const record of pending.take()) router.hear(record);
          expect(pending.isDone).toBe(true);
          expect(router.meaning).toBe(meaning(state));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("N52 RFC 3810 §6.1: a source that changes while the mode is being told is in that report and needs one of its own less", () => {
    const [a] = SOURCES as [(typeof SOURCES)[number]];
    const pending = new PendingChange(GROUP, NOTHING);
    const everything = { filterMode: "exclude", sources: [] } as const;
    const allButA = { filterMode: "exclude", sources: [a] } as const;
    pending.change(NOTHING, everything, 2);
    const told: string[] = [];
    const tell = (): void => {
      for (const { type, sources } of pending.take()) told.push(`${type} [${sources.map(String).join(" ")}]`);
    };
    tell();
    pending.change(everything, allButA, 2);
    tell();
    tell();
    expect(told).toEqual(["4 []", "4 [2001:db8::a]", "6 [2001:db8::a]"]);
    expect(pending.isDone).toBe(true);
  });

  test("N52 an EXCLUDE record that fits a report of its own is not cut for the sake of the one before", () => {
    const many = Array.from({ length: 60 }, (_, i) => parseIpv6(`2001:db8::${(i + 1).toString(16)}`));
    const reports = packRecords(
      [
        { type: 5, group: GROUP, sources: many },
        { type: 4, group: GROUP, sources: many },
      ],
      1440,
      20,
      16,
    );
    expect(reports.map((report) => report.map(({ type, sources }) => [type, sources.length]))).toEqual([
      [[5, 60]],
      [[4, 60]],
    ]);
  });

  test("N52 property: a general query tells the router everything", () => {
    fc.assert(
      fc.property(filter, ({ mode, sources }) => {
        const router = new NaiveRouter();
        const record = currentStateRecord(GROUP, { filterMode: mode, sources });
        if (record !== undefined) router.hear(record);
        expect(router.meaning).toBe(meaning({ filterMode: mode, sources }));
      }),
    );
  });

  test("N52 property: the interface's state is the union of what its users want", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), filter), { maxLength: 12 }), (changes) => {
        const groups = new MulticastGroups<(typeof SOURCES)[number]>(() => undefined);
        const users = [{}, {}, {}, {}];
        const wanted = new Map<number, Reception<(typeof SOURCES)[number]>>();
        for (const [user, { mode, sources }] of changes) {
          groups.setFilter(users[user]!, GROUP, mode, sources);
          wanted.set(user, { filterMode: mode, sources });
        }
        const all = [...wanted.values()].map(meaning);
        const union = Array.from({ length: SOURCES.length + 1 }, (_, i) =>
          all.some((m) => m[i] === "1") ? "1" : "0",
        ).join("");
        const state = groups.state(GROUP);
        expect(state === undefined ? meaning(NOTHING) : meaning(state)).toBe(union);
      }),
      { numRuns: 1000 },
    );
  });

  test("N52 RFC 3810 §5.2.15: records are spread over reports of the MTU; an EXCLUDE list is cut, others go on", () => {
    const many = Array.from({ length: 200 }, (_, i) => parseIpv6(`2001:db8::${(i + 1).toString(16)}`));
    const group = GROUP;
    const allow = packRecords([{ type: 5, group, sources: many }], 1440, 20, 16);
    expect(allow.flatMap((report) => report.flatMap(({ sources }) => sources))).toEqual(many);
    expect(allow.every((report) => report.reduce((n, r) => n + 20 + 16 * r.sources.length, 0) <= 1440)).toBe(true);
    const exclude = packRecords([{ type: 4, group, sources: many }], 1440, 20, 16);
    expect(exclude).toHaveLength(1);
    expect(exclude[0]?.[0]?.sources).toEqual(many.slice(0, 88));
    expect(packRecords([], 1440, 20, 16)).toEqual([]);
    expect(packRecords([{ type: 3, group, sources: [] }], 1440, 20, 16)).toEqual([[{ type: 3, group, sources: [] }]]);
  });
});

describe("N53 hostile bytes", () => {
  test("N53 mutated MLD messages never throw and leak nothing", () => {
    const w = new LinkWorld({ sysctls: QUIET });
    w.run(4500);
    const seeds = [query({}), query({ v1: true }), query({ group: "ff02::1:ff00:1", sources: ["2001:db8::a"] })].map(
      (frame) => frame.slice(62),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 5 }),
        fc.nat(70),
        (seed, edits, length) => {
          const body = seed.slice(0, Math.max(4, length));
          for (const [at, value] of edits) if (at < body.length && at !== 2 && at !== 3) body[at] = value;
          w.receive(icmp6Frame({ source: "fe80::99", destination: "ff02::1", body, hops: 1, routerAlert: true }));
        },
      ),
      { numRuns: 800 },
    );
    w.run(1000);
    w.down();
    expect(w.inUse).toBe(0);
  });
});
