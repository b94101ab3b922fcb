import { check } from "../../../lib/suite.ts";
import { defineCases, type LabCase } from "./cases.ts";
import type { Lab } from "./lab.ts";
import { ip, ping, pingWell } from "../../../lib/netns-programs.ts";
import { transfer } from "./transfers.ts";
import { addressesOf, VARIANTS, type Variant } from "./variants.ts";

const IP_ICMP = { 4: 20 + 8, 6: 40 + 8 } as const;
/** What VXLAN leaves of an Ethernet link of 1500 bytes (RFC 7348 §4.3). */
const INNER_MTU = { 4: 1450, 6: 1430 } as const;

/** Path MTUs that were learned would hide what the next case asks for. */
async function forgetPaths({ names }: Lab): Promise<void> {
  for (const netns of [names.a, names.b]) {
    await ip(netns, "route flush cache");
    await ip(netns, "-6 route flush cache");
  }
}

/** The largest packet that fits goes through; one byte more is answered with what does fit (RFC 1191 §4, RFC 4443 §3.2). */
async function edge(lab: Lab, variant: Variant): Promise<string> {
  const told: string[] = [];
  for (const family of [4, 6] as const) {
    await forgetPaths(lab);
    const mtu = INNER_MTU[variant.underlay];
    const { kernel } = addressesOf(variant, family);
    const payload = mtu - IP_ICMP[family];
    await pingWell(lab.names.b, kernel, `-M do -s ${payload}`);
    const over = await ping(lab.names.b, kernel, `-c 3 -W 1 -M do -s ${payload + 1}`);
    const says = family === 4 ? `(mtu = ${mtu})` : `mtu=${mtu}`;
    check(over.received === 0 && over.output.includes(says), `one byte more: too big, ${says}`, over.output);
    told.push(`IPv${family}: ${mtu} fit, ${mtu + 1} do not`);
  }
  await forgetPaths(lab);
  return told.join("; ");
}

/**
 * Super-packets whose segments are too long for the next link are answered, and TCP comes again with shorter ones. `dev` is our
 * interface that gets the smaller MTU.
 */
async function superPacketsTooLong(lab: Lab, direction: "in" | "out", family: 4 | 6): Promise<string> {
  const variant = VARIANTS[1] as Variant;
  const { names, host, interfaces, tunnels } = lab;
  const { kernel, behind } = addressesOf(variant, family);
  const out = direction === "in" ? tunnels.get(variant.number) : interfaces.b;
  if (out === undefined) throw new TypeError("no such tunnel");
  await forgetPaths(lab);
  const before = out.mtu;
  const counted = (): number =>
    (family === 4 ? host.mib.icmpMsg.get("OutType3") : host.mib.icmp6Msg.get("OutType2")) ?? 0;
  const answered = counted();
  await lab.inWorld(() => host.interfaces.setMtu(out, 1300));
  try {
    const [from, to, address] = direction === "in" ? [names.b, names.a, kernel] : [names.a, names.b, behind];
    const told = await transfer(from, to, address, 4e6);
    const errors = counted() - answered;
    check(errors > 0, "at least one was too big", `${told}; ${errors} ICMP errors`);
    return `${told}, after ${errors} ICMP errors that said 1300`;
  } finally {
    await lab.inWorld(() => host.interfaces.setMtu(out, before));
    await forgetPaths(lab);
  }
}

export const mtuCases: readonly LabCase[] = defineCases([
  ...VARIANTS.map((variant) => ({
    name: `MTU edge of a VXLAN ${variant.name}`,
    quick: variant.number % 2 === 1,
    run: (lab: Lab) => edge(lab, variant),
  })),
  ...([4, 6] as const).flatMap((family) =>
    (["in", "out"] as const).map((direction) => ({
      name: `super-packets of IPv${family} that are too long for a link ${direction === "in" ? "into" : "out of"} the tunnel are answered`,
      quick: family === (direction === "in" ? 4 : 6),
      run: (lab: Lab) => superPacketsTooLong(lab, direction, family),
    })),
  ),
]);
