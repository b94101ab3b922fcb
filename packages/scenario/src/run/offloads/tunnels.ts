import { parseIp, parseMac } from "@seville/packet";
import type { Host } from "@seville/stack";
import { createVxlan, type VxlanNetwork } from "@seville/stack/tunnel";
import type { Tunnel } from "@seville/tunnel-encap";
import { duration } from "../../quantities.ts";
import type { Tunnel as TunnelSpec } from "../../types.ts";

/** The words of a file as those of the tunnel engine. Keys that the kind does not know are not there: the check saw to it. */
export function tunnelOf(spec: TunnelSpec): Tunnel {
  const { kind, id = 0, key, csum = false, seq = false, remote = "" } = spec;
  const common = { ...outerOf(spec), remote: parseIp(remote), encap: spec.encap } as const;
  const gre = { ikey: key, okey: key, icsum: csum, ocsum: csum, iseq: seq, oseq: seq };
  switch (kind) {
    case "vxlan":
    case "geneve":
      return { kind, id, ...udpOf(spec), ...common };
    case "gre":
    case "gretap":
      return { kind, ...gre, ...common };
    case "nvgre":
      return { kind, vsid: id, ...common };
    case "erspan":
      return { kind, erspanVer: 1, key: id, ...common };
    default:
      // `policyOf` of the engine refuses an address of the wrong family, as the check does before.
      return { kind, ...common } as Tunnel;
  }
}

/** A VXLAN with a forwarding database, several ends or none. */
export function isVxlanNetwork({ kind, remotes, fdb }: TunnelSpec): boolean {
  return kind === "vxlan" && (remotes !== undefined || fdb !== undefined);
}

/** `ip link add … type vxlan`, `bridge fdb append 00:00:00:00:00:00 …` for each remote, `bridge fdb add` for each station. */
export function createVxlanNetwork(host: Host, spec: TunnelSpec, options: { readonly dev?: string }): VxlanNetwork {
  const { id = 0, remotes = [], fdb = {}, neighbours = {}, learning, ageing, suppress } = spec;
  const network = createVxlan(
    host,
    {
      id,
      ...udpOf(spec),
      ...outerOf(spec),
      remotes: remotes.map((address) => ({ ip: parseIp(address) })),
      ...(learning === undefined ? {} : { learning }),
      ...(ageing === undefined ? {} : { ageing: duration(ageing) }),
      proxy: suppress === "proxy",
      neighSuppress: suppress === "neigh-suppress",
    },
    options,
  );
  for (const [mac, address] of Object.entries(fdb)) {
    network.engine.fdb.add(parseMac(mac), { ip: parseIp(address) }, host.now, "static");
  }
  for (const [address, mac] of Object.entries(neighbours)) {
    network.engine.setNeighbour(parseIp(address), parseMac(mac));
  }
  return network;
}

function outerOf({ local, ttl, df }: TunnelSpec): Pick<Tunnel, "local" | "ttl" | "df"> {
  return { local: parseIp(local), ttl, df: df === undefined ? undefined : df ? "set" : "unset" };
}

function udpOf({ dstport, udpcsum }: TunnelSpec): {
  dstport: number | undefined;
  udpcsum: boolean | undefined;
  udp6zerocsumtx: boolean;
  udp6zerocsumrx: boolean;
} {
  return { dstport, udpcsum, udp6zerocsumtx: udpcsum === false, udp6zerocsumrx: udpcsum === false };
}
