/**
 * Receivers of tunnelled frames on a UDP socket: for traffic mirrors (AWS VPC Traffic Mirroring sends VXLAN to port 4789),
 * gateway load balancers (Geneve) and GUE. They need no privilege and no tunnel device.
 *
 * @packageDocumentation
 */
import { optionKey, PORT as GENEVE_PORT, type GeneveOption } from "../header/geneve.ts";
import { PORT as GUE_PORT } from "../header/gue.ts";
import { GPE_PORT, PORT as VXLAN_PORT } from "../header/vxlan.ts";
import { TunnelListener, type ListenOptions } from "./listener.ts";
import { unwrapGeneve, unwrapGue, unwrapVxlan } from "./unwrap.ts";

export type { TunnelFrame } from "./frame.ts";
export { TunnelListener, type ListenerStats, type ListenOptions } from "./listener.ts";

export interface ListenVxlanOptions extends ListenOptions {
  /** VXLAN-GPE: IP packets too. Default port 4790. */
  readonly gpe?: boolean | undefined;
}

/** Frames in VXLAN, by default on port 4789. */
export function listenVxlan(options: ListenVxlanOptions = {}): TunnelListener {
  const gpe = options.gpe === true;
  return new TunnelListener(unwrapVxlan(gpe), gpe ? GPE_PORT : VXLAN_PORT, options);
}

export interface ListenGeneveOptions extends ListenOptions {
  /** Critical options that the reader understands. */
  readonly knownOptions?: readonly Pick<GeneveOption, "class" | "type">[] | undefined;
}

/** Frames and packets in Geneve, by default on port 6081. */
export function listenGeneve(options: ListenGeneveOptions = {}): TunnelListener {
  const known = new Set((options.knownOptions ?? []).map(optionKey));
  return new TunnelListener(unwrapGeneve(known), GENEVE_PORT, options);
}

/** IP packets in GUE, by default on port 6080. */
export function listenGue(options: Omit<ListenOptions, "vni"> = {}): TunnelListener {
  return new TunnelListener(unwrapGue, GUE_PORT, options);
}
