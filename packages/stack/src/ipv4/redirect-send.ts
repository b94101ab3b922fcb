import { NS_PER_MS, type Nanos } from "@seville/core";
import { icmp, ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { inPrefix } from "../route/prefix-key.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIcmp4 } from "./icmp-send.ts";

/** What was told to one host (`inet_peer`): how many redirects it did not heed, and when the last was sent. */
export interface RedirectState {
  tokens: number;
  last: Nanos;
}

/**
 * The datagram leaves by the interface by which it came: its sender could reach the gateway itself (RFC 1812 §5.2.7.2;
 * `ip_rt_send_redirect`). A host that does not listen is told ever less often, and no more after `redirect_number`.
 */
export function sendRedirect4(host: Host, packet: Packet, dev: NetInterface, hop: RouteHop, now: Nanos): void {
  const { ipv4: layer } = host;
  if (dev.v4.conf.send_redirects === 0 && layer.confAll.send_redirects === 0) return;
  const { view } = host.memory;
  const source = ipv4.source(view, packet.data);
  const gateway = typeof hop.gateway === "number" ? hop.gateway : ipv4.destination(view, packet.data);
  const shared = dev.v4.conf.shared_media !== 0 || layer.confAll.shared_media !== 0;
  if (!shared && !bothOnLink(dev, source, gateway)) return;
  const { redirect_number, redirect_load, redirect_silence } = layer.route;
  const state = stateOf(layer.redirectPeers, source);
  if (now > state.last + redirect_silence * NS_PER_MS) state.tokens = 0;
  if (state.tokens >= redirect_number) {
    state.last = now;
    return;
  }
  const wait = redirect_load * 2 ** state.tokens * NS_PER_MS;
  if (state.tokens !== 0 && now <= state.last + wait) return;
  sendIcmp4(host, packet, icmp.REDIRECT, icmp.REDIRECT_HOST, gateway, dev);
  state.last = now;
  state.tokens++;
}

function bothOnLink(dev: NetInterface, source: number, gateway: number): boolean {
  return dev.v4.addresses.some(
    (own) => inPrefix(source, own.peer, own.prefixLength) && inPrefix(gateway, own.peer, own.prefixLength),
  );
}

const MAX_PEERS = 65_664;

function stateOf(peers: Map<number, RedirectState>, source: number): RedirectState {
  let state = peers.get(source);
  if (state !== undefined) return state;
  if (peers.size >= MAX_PEERS) peers.clear();
  state = { tokens: 0, last: -Infinity };
  peers.set(source, state);
  return state;
}
