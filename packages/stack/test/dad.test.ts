import { icmpv6, nd, parseIpv6, parseMac } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  IFA_F_DADFAILED,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  type InterfaceAddress,
} from "../src/interface/interface-address.ts";
import { fromHex, icmp6Frame, icmp6Of, LinkWorld, ndBody, PEER_MAC, recorded, type SentFrame } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.router_solicitations": 0 };

function flagsOf(w: LinkWorld, address: string): number | undefined {
  return (w.iface.v6.addresses as InterfaceAddress[]).find((own) => own.address === parseIpv6(address))?.flags;
}

function isProbe({ bytes }: SentFrame): boolean {
  const frame = icmp6Of(bytes);
  return frame?.type === icmpv6.NEIGHBOR_SOLICITATION && frame.source === "::";
}

/** The message of a probe without its nonce. */
function withoutNonce(hex: string): string {
  return hex.slice(0, 40);
}

interface DadStory {
  readonly probes: readonly { readonly ms: number; readonly frame: string }[];
  readonly states: readonly { readonly ms: number; readonly tentative: boolean }[];
}

describe("N40 RFC 4862 §5.4: duplicate address detection as the recorded kernel (dad)", () => {
  const kernel = recorded("dad") as DadStory;
  test("N40 dad_transmits 3: a random delay, three probes a second apart, another second, then it is ours", () => {
    const delays = new Set<number>();
    for (let seed = 1; seed <= 10; seed++) {
      const w = new LinkWorld({ seed, sysctls: { ...QUIET, "net.ipv6.conf.eth0.dad_transmits": 3 } });
      w.run(8000);
      w.take();
      const start = w.now / 1e6;
      w.addV6("2001:db8::1/64", false);
      const states: boolean[] = [];
      const times: number[] = [];
      for (let ms = 0; ms < 5500; ms += 10) {
        const tentative = ((flagsOf(w, "2001:db8::1") ?? 0) & IFA_F_TENTATIVE) !== 0;
        if (states.at(-1) !== tentative) {
          states.push(tentative);
          times.push(ms);
        }
        w.run(10);
      }
      const probes = w.take(isProbe);
      expect(probes).toHaveLength(3);
      const first = (probes[0]?.ms ?? 0) - start;
      delays.add(Math.floor(first));
      expect(first).toBeLessThan(1000);
      expect(probes.map(({ ms }) => Math.round(ms - start - first))).toEqual([0, 1000, 2000]);
      expect(states).toEqual(kernel.states.map(({ tentative }) => tentative));
      expect(Math.abs((times[1] ?? 0) - first - 3000)).toBeLessThan(20);
      for (const [i, probe] of probes.entries()) {
        const ours = icmp6Of(probe.bytes)!;
        const theirs = icmp6Of(fromHex(kernel.probes[i]!.frame))!;
        expect({ ...ours, body: withoutNonce(ours.body) }).toEqual({ ...theirs, body: withoutNonce(theirs.body) });
        // RFC 7527: a nonce option of eight bytes, the same in each probe of one test.
        expect(ours.body).toMatch(/0e01[0-9a-f]{12}$/);
        expect(ours.body).toBe(icmp6Of(probes[0]!.bytes)!.body);
      }
      w.down();
      expect(w.inUse).toBe(0);
    }
    expect(delays.size).toBeGreaterThan(5);
    const theirs = kernel.probes.map(({ ms }) => ms);
    expect(theirs[0]).toBeLessThan(1100);
    expect(Math.abs(theirs[2]! - theirs[0]! - 2000)).toBeLessThan(200);
  });
});

describe("N41 conflicts as the recorded kernel (dad_conflict, RFC 4862 §5.4.3, §5.4.4, RFC 7527 §4.2)", () => {
  const rows = recorded("dad_conflict") as readonly {
    readonly case: string;
    readonly flags: readonly string[];
    readonly answers: readonly unknown[];
  }[];
  for (const [i, row] of rows.entries()) {
    test(`N41 ${row.case}: ${row.flags.join(" ")}`, () => {
      const w = new LinkWorld({ sysctls: { ...QUIET, "net.ipv6.conf.eth0.dad_transmits": 3 } });
      w.run(8000);
      const key = `2001:db8::${i + 1}`;
      const group = `ff02::1:ff00:${i + 1}`;
      w.take();
      w.addV6(`${key}/64`, false);
      w.run(1000);
      const [probe] = w.take(isProbe);
      const ns = (options: nd.NdOption[]): Uint8Array =>
        ndBody(nd.write, nd.lengthOf, { type: "neighbor-solicitation", target: parseIpv6(key), options });
      switch (row.case) {
        case "NS of another with nonce":
          w.receive(
            icmp6Frame({
              source: "::",
              destination: group,
              body: ns([{ kind: "nonce", nonce: Uint8Array.of(1, 2, 3, 4, 5, 6) }]),
            }),
          );
          break;
        case "NS without nonce":
          w.receive(icmp6Frame({ source: "::", destination: group, body: ns([]) }));
          break;
        case "our own NS looped back":
          w.receive(probe!.bytes);
          break;
        case "NA":
          w.receive(
            icmp6Frame({
              source: key,
              destination: "ff02::1",
              body: ndBody(nd.write, nd.lengthOf, {
                type: "neighbor-advertisement",
                target: parseIpv6(key),
                flags: nd.NEIGHBOR_OVERRIDE,
                options: [{ kind: "target-link-layer", mac: parseMac(PEER_MAC) }],
              }),
            }),
          );
          break;
        default:
          w.receive(
            icmp6Frame({
              source: "2001:db8::99",
              destination: group,
              body: ns([{ kind: "source-link-layer", mac: parseMac(PEER_MAC) }]),
            }),
          );
      }
      const flags = flagsOf(w, key) ?? 0;
      const names = [
        ...((flags & IFA_F_DADFAILED) !== 0 ? ["dadfailed"] : []),
        ...((flags & IFA_F_TENTATIVE) !== 0 ? ["tentative"] : []),
      ];
      expect(names).toEqual(row.flags);
      expect(w.take(({ bytes }) => icmp6Of(bytes)?.type === 136)).toHaveLength(row.answers.length);
      w.run(6000);
      // One that failed stays so; the others pass.
      expect(((flagsOf(w, key) ?? 0) & IFA_F_TENTATIVE) !== 0).toBe(row.flags.includes("dadfailed"));
      w.down();
      expect(w.inUse).toBe(0);
    });
  }
});

describe("N42 what is not tested, and how", () => {
  test("N42 nodad, dad_transmits 0 and accept_dad 0 make an address ours at once", () => {
    for (const sysctls of [
      {},
      { "net.ipv6.conf.eth0.dad_transmits": 0 },
      { "net.ipv6.conf.eth0.accept_dad": 0, "net.ipv6.conf.all.accept_dad": 0 },
    ]) {
      const w = new LinkWorld({ sysctls: { ...QUIET, ...sysctls } });
      w.addV6("2001:db8::1/64", Object.keys(sysctls).length === 0);
      expect((flagsOf(w, "2001:db8::1") ?? IFA_F_TENTATIVE) & IFA_F_TENTATIVE).toBe(0);
      w.run(5000);
      expect(
        w
          .take(isProbe)
          .filter(
            ({ bytes }) =>
              icmp6Of(bytes)?.destination === "ff02::1:ff00:1" && icmp6Of(bytes)?.body.includes("20010db8"),
          ),
      ).toEqual([]);
    }
  });

  test("N42 without a carrier an address waits, tentative, and is tested when the carrier comes", () => {
    const w = new LinkWorld({ up: false, sysctls: QUIET });
    w.carrier = false;
    w.up();
    w.addV6("2001:db8::1/64", false);
    w.run(10_000);
    expect((flagsOf(w, "2001:db8::1") ?? 0) & IFA_F_TENTATIVE).not.toBe(0);
    expect(w.take(isProbe)).toEqual([]);
    w.carrier = true;
    w.host.interfaces.setCarrier(w.iface, true);
    w.run(3000);
    expect((flagsOf(w, "2001:db8::1") ?? IFA_F_TENTATIVE) & IFA_F_TENTATIVE).toBe(0);
    expect(w.take(isProbe).length).toBe(2);
  });

  test("N42 enhanced_dad 0: no nonce, so that even our own probe counts as a conflict", () => {
    const w = new LinkWorld({
      sysctls: { ...QUIET, "net.ipv6.conf.eth0.enhanced_dad": 0, "net.ipv6.conf.all.enhanced_dad": 0 },
    });
    w.run(5000);
    w.take();
    w.addV6("2001:db8::1/64", false);
    w.run(1000);
    const [probe] = w.take(isProbe);
    expect(icmp6Of(probe!.bytes)?.body).toHaveLength(40);
    w.receive(probe!.bytes);
    expect((flagsOf(w, "2001:db8::1") ?? 0) & IFA_F_DADFAILED).not.toBe(0);
  });

  test("N42 RFC 4429: an optimistic address is probed for at once, answers who does not probe, and never overrides", () => {
    const w = new LinkWorld({ sysctls: { ...QUIET, "net.ipv6.conf.eth0.optimistic_dad": 1 } });
    w.run(5000);
    w.take();
    w.addV6("2001:db8::1/64", false);
    expect((flagsOf(w, "2001:db8::1") ?? 0) & IFA_F_OPTIMISTIC).not.toBe(0);
    w.run(1);
    expect(w.take(isProbe)).toHaveLength(1);
    w.receive(
      icmp6Frame({
        source: "2001:db8::99",
        destination: "ff02::1:ff00:1",
        body: ndBody(nd.write, nd.lengthOf, {
          type: "neighbor-solicitation",
          target: parseIpv6("2001:db8::1"),
          options: [{ kind: "source-link-layer", mac: parseMac(PEER_MAC) }],
        }),
      }),
    );
    const [answer] = w.take().map(({ bytes }) => icmp6Of(bytes)!);
    expect(answer?.type).toBe(136);
    expect(answer?.body.slice(0, 2)).toBe("40");
    w.run(2000);
    expect((flagsOf(w, "2001:db8::1") ?? 0) & (IFA_F_OPTIMISTIC | IFA_F_TENTATIVE)).toBe(0);
  });

  test("N42 RFC 4862 §5.4.5, accept_dad 2: a duplicate link-local address takes the interface off IPv6", () => {
    const w = new LinkWorld({ sysctls: { ...QUIET, "net.ipv6.conf.eth0.accept_dad": 2 } });
    w.run(1000);
    const own = "fe80::ff:fe00:1";
    expect((flagsOf(w, own) ?? 0) & IFA_F_TENTATIVE).not.toBe(0);
    w.receive(
      icmp6Frame({
        source: "::",
        destination: "ff02::1:ff00:1",
        body: ndBody(nd.write, nd.lengthOf, { type: "neighbor-solicitation", target: parseIpv6(own) }),
      }),
    );
    expect(w.iface.v6.conf.disable_ipv6).toBe(1);
    expect(w.iface.v6.addresses).toEqual([]);
  });

  test("N42 ndisc_notify: a tested address is announced to all nodes, with override", () => {
    const w = new LinkWorld({ sysctls: { ...QUIET, "net.ipv6.conf.eth0.ndisc_notify": 1 } });
    w.addV6("2001:db8::1/64", false);
    w.run(3000);
    const announced = w
      .take()
      .map(({ bytes }) => icmp6Of(bytes)!)
      .filter(({ type }) => type === 136);
    expect(announced.map(({ source, destination, body }) => [source, destination, body.slice(0, 2)])).toContainEqual([
      "2001:db8::1",
      "ff02::1",
      "20",
    ]);
  });

  test("N42 Linux: going down takes link-local and global addresses away; keep_addr_on_down keeps static global ones, tested anew", () => {
    const w = new LinkWorld({ sysctls: QUIET });
    w.addV6("2001:db8::1/64", false);
    w.run(4000);
    w.down();
    expect(w.iface.v6.addresses).toEqual([]);
    const kept = new LinkWorld({ sysctls: { ...QUIET, "net.ipv6.conf.eth0.keep_addr_on_down": 1 } });
    kept.addV6("2001:db8::1/64", false);
    kept.run(4000);
    kept.down();
    expect(kept.iface.v6.addresses.map(({ address }) => address)).toEqual([parseIpv6("2001:db8::1")]);
    kept.up();
    expect((flagsOf(kept, "2001:db8::1") ?? 0) & IFA_F_TENTATIVE).not.toBe(0);
    kept.run(4000);
    expect(kept.iface.v6.addresses).toHaveLength(2);
    expect(kept.iface.v6.addresses.every(({ flags }) => (flags & IFA_F_TENTATIVE) === 0)).toBe(true);
  });
});
