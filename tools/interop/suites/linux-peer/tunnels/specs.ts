import type { Ipv6Address } from "../../../../../packages/packet/src/index.ts";
import type { ErspanTunnel, GreTunnel, Tunnel, VxlanTunnel } from "../../../../../packages/tunnel-encap/src/index.ts";
import { erspanMutations, greMutations } from "./gre-mutations.ts";
import { IP_MUTATIONS } from "./ip-mutations.ts";
import { FOU_MUTATIONS, GBP_MUTATIONS, geneveMutations, GUE_MUTATIONS, vxlanMutations } from "./udp-mutations.ts";
import { FOU_PORTS, GUE_PORT, type Ends, type TunnelSpec } from "./tunnel-spec.ts";

const BOTH = [4, 6] as const;
const ENDS = "local L remote R";

/** GRE and GRE-TAP with these fields, over both underlays. */
function gre(kind: GreTunnel["kind"], underlay: 4 | 6, words: string): TunnelSpec {
  const has = { key: words.includes("key"), csum: words.includes("csum"), seq: words.includes("seq") };
  const type = underlay === 6 ? `ip6${kind}` : kind;
  const key = has.key ? { ikey: 1234, okey: 1234 } : {};
  const csum = has.csum ? { icsum: true, ocsum: true } : {};
  const seq = has.seq ? { iseq: true, oseq: true } : {};
  return {
    name: words === "" ? type : `${type} ${words}`,
    engine: "uml",
    underlay,
    link: `type ${type} ${ENDS} ${words.replace("key", "key 1234")}`,
    make: ({ local, remote }) => ({ kind, local, remote, ...key, ...csum, ...seq }),
    inner: BOTH,
    ...(has.seq ? { sequence: true } : {}),
    mutations: greMutations(has),
  };
}

function erspan(underlay: 4 | 6, version: 0 | 1 | 2): TunnelSpec {
  const type = underlay === 6 ? "ip6erspan" : "erspan";
  const words = [
    "erspan_ver 0",
    "seq key 100 erspan_ver 1 erspan 123",
    "seq key 100 erspan_ver 2 erspan_dir egress erspan_hwid 17",
  ][version] as string;
  const more: Partial<ErspanTunnel> = [{}, { key: 100, index: 123 }, { key: 100, dir: "egress", hwid: 17 } as const][
    version
  ] as Partial<ErspanTunnel>;
  return {
    name: `${type} ${["I", "II", "III"][version] as string}`,
    engine: "uml",
    underlay,
    link: `type ${type} ${ENDS} ${words}`,
    make: ({ local, remote }) => ({ kind: "erspan", erspanVer: version, local, remote, ...more }),
    inner: BOTH,
    ...(version === 0 ? {} : { sequence: true }),
    ...(underlay === 6 ? { kernelIsSilent: true } : {}),
    mutations: erspanMutations(version),
  };
}

function vxlan(
  name: string,
  underlay: 4 | 6,
  words: string,
  more: Omit<Partial<VxlanTunnel>, "kind" | "id" | "local" | "remote">,
): TunnelSpec {
  return {
    name,
    engine: "uml",
    underlay,
    link: `type vxlan id ID ${ENDS} dstport 4789 ${words}`,
    make: (ends) => ({ kind: "vxlan", ...ends, ...more }),
    inner: BOTH,
    mutations: [...vxlanMutations(underlay), ...(more.remcsumrx === true ? [] : GBP_MUTATIONS)],
  };
}

function geneve(name: string, underlay: 4 | 6, words: string, more: object): TunnelSpec {
  return {
    name,
    engine: "uml",
    underlay,
    link: `type geneve id ID remote R ${words}`,
    make: (ends) => ({ kind: "geneve", ...ends, ...more }),
    inner: BOTH,
    mutations: geneveMutations(underlay),
  };
}

/** Bare IP in IP. */
function ip(
  name: string,
  underlay: 4 | 6,
  link: string,
  inner: readonly (4 | 6)[],
  make: (ends: Pick<Ends, "local" | "remote">) => object,
): TunnelSpec {
  return {
    name,
    engine: "uml",
    underlay,
    link,
    make: ({ local, remote }) => make({ local, remote }) as Tunnel,
    inner,
    mutations: IP_MUTATIONS,
  };
}

/** FOU and GUE around an IPv4 tunnel, which only the kernel of the QEMU engine has. */
function fou(
  type: "fou" | "gue",
  kind: "ipip" | "sit" | "gre",
  words: string,
  more: { readonly csum?: boolean; readonly remcsum?: boolean },
): TunnelSpec {
  const port = type === "fou" ? FOU_PORTS[kind] : GUE_PORT;
  const protocol = { ipip: 4, sit: 41, gre: 47 }[kind];
  const encap = { type, dport: port, sport: "auto", ...more } as const;
  return {
    name: `${kind} in ${type.toUpperCase()}${words === "" ? "" : ` ${words.replaceAll("encap-", "")}`}`,
    engine: "qemu",
    underlay: 4,
    link: `type ${kind} ${ENDS} encap ${type} encap-sport auto encap-dport ${port} ${words}`,
    fou: type === "fou" ? `port ${port} ipproto ${protocol}` : `port ${port} gue`,
    make: ({ local, remote }) => ({ kind, local, remote, encap }),
    inner: kind === "ipip" ? [4] : kind === "gre" ? BOTH : [6],
    mutations: type === "fou" ? FOU_MUTATIONS : GUE_MUTATIONS,
  };
}

const v6Ends = ({ local, remote }: Pick<Ends, "local" | "remote">) => ({
  local: local as Ipv6Address,
  remote: remote as Ipv6Address,
});

/** Every configuration that is tried. */
export const SPECS: readonly TunnelSpec[] = [
  ...([4, 6] as const).flatMap((underlay) => [
    gre("gre", underlay, ""),
    gre("gre", underlay, "key"),
    gre("gre", underlay, "csum"),
    gre("gre", underlay, "seq"),
    gre("gre", underlay, "key csum seq"),
    gre("gretap", underlay, ""),
    gre("gretap", underlay, "key csum seq"),
  ]),
  {
    ...ip("gre inheriting TOS, DF unset", 4, `type gre ${ENDS} tos inherit nopmtudisc`, BOTH, (ends) => ({
      kind: "gre",
      tos: "inherit",
      df: "inherit",
      ...ends,
    })),
    mutations: greMutations({}),
  },
  erspan(4, 0),
  erspan(4, 1),
  erspan(4, 2),
  erspan(6, 1),
  erspan(6, 2),
  geneve("geneve", 4, "", {}),
  geneve("geneve udpcsum", 4, "udpcsum ttl 9 tos 0x28", { udpcsum: true, ttl: 9, tos: 0x28 }),
  geneve("geneve df set", 4, "df set", { df: "set" }),
  geneve("geneve over IPv6", 6, "", {}),
  geneve("geneve over IPv6, no checksum", 6, "udp6zerocsumtx udp6zerocsumrx", {
    udp6zerocsumtx: true,
    udp6zerocsumrx: true,
  }),
  vxlan("vxlan", 4, "udpcsum", { udpcsum: true }),
  vxlan("vxlan noudpcsum", 4, "noudpcsum", { udpcsum: false }),
  vxlan("vxlan inheriting TTL, TOS and DF", 4, "noudpcsum ttl inherit tos inherit df inherit", {
    udpcsum: false,
    ttl: "inherit",
    tos: "inherit",
    df: "inherit",
  }),
  vxlan("vxlan gbp", 4, "udpcsum gbp", { gbp: true }),
  vxlan("vxlan remcsum", 4, "udpcsum remcsumtx remcsumrx", { remcsumtx: true, remcsumrx: true }),
  vxlan("vxlan over IPv6", 6, "", {}),
  vxlan("vxlan over IPv6, no checksum", 6, "udp6zerocsumtx udp6zerocsumrx", {
    udp6zerocsumtx: true,
    udp6zerocsumrx: true,
  }),
  {
    ...vxlan("vxlan gpe", 4, "", { gpe: true }),
    link: "type vxlan dstport 4790 gpe external",
    lightweight: true,
    mutations: [],
  },
  ip("ipip", 4, `type ipip ${ENDS}`, [4], (ends) => ({ kind: "ipip", ...ends })),
  ip("ipip tos 0x10 ttl 9", 4, `type ipip ${ENDS} tos 0x10 ttl 9`, [4], (ends) => ({
    kind: "ipip",
    tos: 0x10,
    ttl: 9,
    ...ends,
  })),
  ip("sit", 4, `type sit ${ENDS}`, [6], (ends) => ({ kind: "sit", ...ends })),
  ip("sit mode any", 4, `type sit ${ENDS} mode any`, BOTH, (ends) => ({ kind: "sit", ...ends })),
  ip("6to4", 4, "type sit local L", [6], ({ local }) => ({ kind: "6to4", local })),
  ip("ip6tnl any", 6, `type ip6tnl mode any ${ENDS}`, BOTH, (ends) => ({ kind: "ip6tnl", ...v6Ends(ends) })),
  ip("ip6tnl ip6ip6, no limit", 6, `type ip6tnl mode ip6ip6 ${ENDS} encaplimit none tclass inherit`, [6], (ends) => ({
    kind: "ip6tnl",
    mode: "ip6ip6",
    encaplimit: "none",
    tos: "inherit",
    ...v6Ends(ends),
  })),
  ip("ip6tnl ipip6, limit 7", 6, `type ip6tnl mode ipip6 ${ENDS} encaplimit 7`, [4], (ends) => ({
    kind: "ip6tnl",
    mode: "ipip6",
    encaplimit: 7,
    ...v6Ends(ends),
  })),
  fou("fou", "ipip", "", {}),
  fou("fou", "ipip", "encap-csum", { csum: true }),
  fou("fou", "sit", "encap-csum", { csum: true }),
  fou("fou", "gre", "", {}),
  fou("gue", "ipip", "", {}),
  fou("gue", "sit", "encap-csum", { csum: true }),
  fou("gue", "gre", "encap-csum", { csum: true }),
  fou("gue", "sit", "encap-csum encap-remcsum", { csum: true, remcsum: true }),
];
