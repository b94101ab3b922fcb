import { fileURLToPath } from "node:url";
import { missing } from "../../../testing/needs.ts";
import { hostFault } from "../../../linux-peer/build/debian.ts";
import { isBuilt, readSettings, type Engine } from "../../../linux-peer/settings.ts";
import { check, type Case, type Suite } from "../../lib/suite.ts";
import { TunnelBench } from "./tunnels/bench.ts";
import { checkDrops } from "./tunnels/check-drops.ts";
import { checkEcn } from "./tunnels/check-ecn.ts";
import { checkFields } from "./tunnels/check-fields.ts";
import { checkMtu } from "./tunnels/check-mtu.ts";
import { checkPing } from "./tunnels/check-ping.ts";
import { checkTransfer } from "./tunnels/check-transfer.ts";
import { PORTS_PER_SITE } from "./tunnels/site.ts";
import { SPECS } from "./tunnels/specs.ts";
import { tableOf } from "./tunnels/table.ts";
import { is6to4, type TunnelSpec } from "./tunnels/tunnel-spec.ts";
import type { LiveTunnel } from "./tunnels/tunnel.ts";

const CAPTURES = fileURLToPath(new URL("../../../../seville-out/interop", import.meta.url));

/** In this order: the first three demand that nothing was counted as an error, the last three make errors. */
const CHECKS: Readonly<Record<string, (tunnel: LiveTunnel, quick: boolean) => Promise<string>>> = {
  ping: checkPing,
  fields: checkFields,
  tcp: checkTransfer,
  mtu: checkMtu,
  ecn: checkEcn,
  drops: checkDrops,
};

/** Every check, and every kind of tunnel, but not each with each: less than a minute. */
const QUICK: Readonly<Record<string, readonly string[]>> = {
  "gre key csum seq": ["ping", "fields", "drops"],
  gretap: ["ping", "tcp"],
  ip6gre: ["ping", "mtu"],
  "erspan II": ["ping", "fields"],
  geneve: ["ping", "fields", "ecn"],
  vxlan: ["ping", "tcp", "mtu"],
  "vxlan over IPv6": ["ping", "fields"],
  ipip: ["ping", "ecn"],
  sit: ["ping", "drops"],
  "ip6tnl any": ["ping", "fields"],
};

function casesOf(spec: TunnelSpec): Case<TunnelBench>[] {
  const names = Object.keys(CHECKS).filter(
    (name) => !(name === "tcp" && is6to4(spec)) && !(name === "drops" && spec.mutations.length === 0),
  );
  return names.map((name) => ({
    name: `${spec.name}: ${name}`,
    ...(QUICK[spec.name]?.includes(name) === true ? { quick: true } : {}),
    run: async (bench, { quick }) => (CHECKS[name] as (typeof CHECKS)[string])(await bench.use(spec), quick),
  }));
}

function judgement(engine: Engine, quick: boolean): Case<TunnelBench> {
  return {
    name: `${engine}: tshark finds no malformed packet and no wrong checksum in all that passed`,
    quick,
    async run(bench) {
      const { wrong, frames, file } = await bench.judgement(engine);
      check(wrong.length === 0, "no complaint", `${wrong.join("\n")}\n${file}`);
      check(frames > 0, "frames", String(frames));
      return `${frames} frames, in ${file}`;
    },
  };
}

const casesFor = (engine: Engine): Case<TunnelBench>[] =>
  SPECS.filter((spec) => spec.engine === engine).flatMap((spec) => casesOf(spec));

/**
 * Every tunnel between a real Linux and our stack: near ══ ours ══ far, two links of one guest, each with a kernel's tunnel at its end and
 * ours at the other.
 */
export const suite: Suite<TunnelBench> = {
  missing: () => (isBuilt("uml", readSettings()) ? undefined : hostFault()) ?? missing("tshark"),
  start({ say }) {
    // Ports that no other run of this machine uses at the same time.
    return Promise.resolve(new TunnelBench(42_000 + (process.pid % 2000) * PORTS_PER_SITE * 2, CAPTURES, say));
  },
  cases: [...casesFor("uml"), judgement("uml", true), ...casesFor("qemu"), judgement("qemu", false)],
  table: tableOf,
  async stop(bench) {
    const leaks = await bench.stop();
    check(leaks.length === 0, "every packet comes back to the pool", leaks.join("\n"));
  },
};
