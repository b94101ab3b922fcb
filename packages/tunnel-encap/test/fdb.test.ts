import { seconds } from "@seville/core";
import { parseIpv4, parseIpv6, ZERO_MAC, type IpAddress, type MacAddress } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fdb, formatFdb, type FdbState, type VxlanRemote } from "../src/index.ts";

/*
 * The forwarding database against a model: a plain list that is gone through from the beginning each time (drivers/net/vxlan/vxlan_core.c).
 */

interface Line {
  mac: MacAddress;
  state: FdbState;
  remotes: VxlanRemote[];
  used: number;
}

class Model {
  lines: Line[] = [];
  readonly ageing: number;
  readonly limit: number;

  constructor(ageing: number, limit: number) {
    this.ageing = ageing;
    this.limit = limit;
  }

  line(mac: MacAddress): Line | undefined {
    return this.lines.find((each) => each.mac === mac);
  }

  get isFull(): boolean {
    return this.limit > 0 && this.lines.length >= this.limit;
  }

  configure(
    how: "add" | "append" | "replace",
    mac: MacAddress,
    remote: VxlanRemote,
    now: number,
    state: FdbState,
  ): string | undefined {
    const line = this.line(mac);
    if (line === undefined) {
      if (this.isFull) return "ENOSPC";
      this.lines.push({ mac, state, remotes: [remote], used: now });
      return undefined;
    }
    if (how === "add") return "EEXIST";
    if (how === "replace") {
      line.remotes = [remote];
      line.state = state;
      return undefined;
    }
    if (mac !== ZERO_MAC) return "ERR_INVALID_ARGUMENT";
    if (line.remotes.some((each) => same(each, remote))) return "EEXIST";
    line.remotes.push(remote);
    return undefined;
  }

  remove(mac: MacAddress, remote: VxlanRemote | undefined): string | undefined {
    const line = this.line(mac);
    const left = remote === undefined ? [] : line?.remotes.filter((each) => !same(each, remote));
    if (line === undefined || left === undefined || left.length === line.remotes.length) return "ENOENT";
    line.remotes = left;
    if (left.length === 0) this.lines = this.lines.filter((each) => each !== line);
    return undefined;
  }

  learn(mac: MacAddress, ip: IpAddress, now: number): string {
    const line = this.line(mac);
    if (line === undefined) {
      if (this.isFull) return "full";
      this.lines.push({ mac, state: "learned", remotes: [{ ip }], used: now });
      return "learned";
    }
    if (line.remotes[0]?.ip === ip) {
      line.used = now;
      return "known";
    }
    if (line.state !== "learned") return "refused";
    line.remotes = [{ ip }];
    line.used = now;
    return "moved";
  }

  find(mac: MacAddress, now: number): readonly VxlanRemote[] | undefined {
    const line = this.line(mac);
    if (line !== undefined) line.used = now;
    return line?.remotes;
  }

  age(now: number): MacAddress[] {
    if (this.ageing === 0) return [];
    const gone = this.lines.filter(({ state, used }) => state === "learned" && used + this.ageing <= now);
    this.lines = this.lines.filter((line) => !gone.includes(line));
    return gone.map(({ mac }) => mac);
  }

  flush(): void {
    this.lines = this.lines.filter(({ state }) => state !== "learned");
  }
}

const same = (a: VxlanRemote, b: VxlanRemote): boolean => a.ip === b.ip && a.vni === b.vni && a.port === b.port;

const codeOf = (call: () => void): string | undefined => {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

const macs = fc.constantFrom(
  ZERO_MAC,
  0x02_00_00_00_00_01,
  0x02_00_00_00_00_02,
  0x02_00_00_00_00_03,
  0x02_00_00_00_00_04,
);
const ips: fc.Arbitrary<IpAddress> = fc.constantFrom(
  parseIpv4("192.0.2.1"),
  parseIpv4("192.0.2.2"),
  parseIpv6("2001:db8::1"),
);
const remotes = fc
  .record({ ip: ips }, { requiredKeys: ["ip"] })
  .chain((base) =>
    fc.oneof(
      fc.constant(base),
      fc.constantFrom({ ...base, vni: 9 }, { ...base, port: 4790 }, { ...base, vni: 9, port: 1 }),
    ),
  );
const states = fc.constantFrom<FdbState>("permanent", "static", "learned");

type Step =
  | {
      readonly do: "add" | "append" | "replace";
      readonly mac: MacAddress;
      readonly remote: VxlanRemote;
      readonly state: FdbState;
    }
  | { readonly do: "delete"; readonly mac: MacAddress; readonly remote: VxlanRemote | undefined }
  | { readonly do: "learn"; readonly mac: MacAddress; readonly ip: IpAddress }
  | { readonly do: "find"; readonly mac: MacAddress }
  | { readonly do: "wait"; readonly time: number }
  | { readonly do: "flush" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom<"add" | "append" | "replace">("add", "append", "replace"),
    mac: macs,
    remote: remotes,
    state: states,
  }),
  fc.record({ do: fc.constant("delete" as const), mac: macs, remote: fc.option(remotes, { nil: undefined }) }),
  fc.record({ do: fc.constant("learn" as const), mac: macs, ip: ips }),
  fc.record({ do: fc.constant("learn" as const), mac: macs, ip: ips }),
  fc.record({ do: fc.constant("find" as const), mac: macs }),
  fc.record({ do: fc.constant("wait" as const), time: fc.integer({ min: 1, max: 20 }) }),
  fc.constant({ do: "flush" as const }),
);

describe("V1 V2 the forwarding database does what a list would", () => {
  test.each([
    [10, 0],
    [10, 3],
    [0, 0],
  ])("V1 V2 ageing after %i, at most %i entries", (ageing, limit) => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (list) => {
        const fdb = new Fdb(ageing, limit);
        const model = new Model(ageing, limit);
        let now = 0;
        for (const step of list) {
          const gone: MacAddress[] = [];
          fdb.age(now, (mac) => gone.push(mac));
          expect(gone).toEqual(model.age(now));
          run(fdb, model, step, now);
          if (step.do === "wait") now += step.time;
          expect(fdb.size).toBe(model.lines.length);
          expect(fdb.entries().map(({ mac, state, remotes: ends }) => ({ mac, state, remotes: ends }))).toEqual(
            model.lines.map(({ mac, state, remotes: ends }) => ({ mac, state, remotes: ends })),
          );
          const due = model.lines.filter(({ state }) => state === "learned").map(({ used }) => used + ageing);
          // The deadline may be early, for entries are used meanwhile, and must not be late.
          if (ageing > 0 && due.length > 0) expect(fdb.deadline).toBeLessThanOrEqual(Math.min(...due));
          else if (ageing === 0) expect(fdb.deadline).toBe(Infinity);
        }
      }),
      { numRuns: 150 },
    );
  });
});

function run(fdb: Fdb, model: Model, step: Step, now: number): void {
  switch (step.do) {
    case "add":
    case "append":
    case "replace":
      expect(codeOf(() => fdb[step.do](step.mac, step.remote, now, step.state))).toBe(
        model.configure(step.do, step.mac, step.remote, now, step.state),
      );
      break;
    case "delete":
      expect(codeOf(() => fdb.delete(step.mac, step.remote))).toBe(model.remove(step.mac, step.remote));
      break;
    case "learn":
      expect(fdb.learn(step.mac, step.ip, now)).toBe(model.learn(step.mac, step.ip, now));
      break;
    case "find":
      expect(fdb.find(step.mac, now)?.remotes).toEqual(model.find(step.mac, now));
      break;
    case "flush":
      fdb.flush();
      model.flush();
      break;
    case "wait":
      break;
  }
}

describe("V2 the database's own rules", () => {
  const ip = parseIpv4("192.0.2.1");

  test("V2 only a station's address, or that of all zeros, can have an entry", () => {
    const fdb = new Fdb(seconds(300), 0);
    for (const mac of [0xffff_ffff_ffff, 0x0100_5e00_0001]) {
      for (const how of ["add", "append", "replace"] as const) {
        expect(codeOf(() => fdb[how](mac, { ip }, 0))).toBe("ERR_INVALID_ARGUMENT");
      }
    }
    fdb.add(ZERO_MAC, { ip }, 0);
    expect(fdb.size).toBe(1);
  });

  test("V1 settings that make no sense are refused", () => {
    expect(codeOf(() => new Fdb(-1, 0))).toBe("ERR_INVALID_ARGUMENT");
    expect(codeOf(() => new Fdb(Number.NaN, 0))).toBe("ERR_INVALID_ARGUMENT");
    expect(codeOf(() => new Fdb(1, -1))).toBe("ERR_INVALID_ARGUMENT");
    expect(codeOf(() => new Fdb(1, 1.5))).toBe("ERR_INVALID_ARGUMENT");
  });

  test("V1 what is read is a copy: nobody changes the database by it", () => {
    const fdb = new Fdb(10, 0);
    fdb.learn(0x02_00_00_00_00_01, ip, 0);
    const [entry] = fdb.entries();
    (entry as { state: FdbState }).state = "permanent";
    const gone: MacAddress[] = [];
    fdb.age(10, (mac) => gone.push(mac));
    expect(gone).toEqual([0x02_00_00_00_00_01]);
  });

  test("V2 it prints as `bridge fdb show`", () => {
    const fdb = new Fdb(10, 0);
    fdb.append(ZERO_MAC, { ip }, 0);
    fdb.append(ZERO_MAC, { ip: parseIpv6("2001:db8::7"), vni: 9, port: 4790 }, 0, "static");
    fdb.add(0x02_00_00_00_00_02, { ip, port: 8472 }, 0, "static");
    fdb.learn(0x02_00_00_00_00_01, ip, 0);
    expect(formatFdb(fdb.entries(), "vx0").split("\n")).toEqual([
      "00:00:00:00:00:00 dev vx0 dst 192.0.2.1 self permanent",
      "00:00:00:00:00:00 dev vx0 dst 2001:db8::7 port 4790 vni 9 self permanent",
      "02:00:00:00:00:02 dev vx0 dst 192.0.2.1 port 8472 self static",
      "02:00:00:00:00:01 dev vx0 dst 192.0.2.1 self",
    ]);
  });
});
