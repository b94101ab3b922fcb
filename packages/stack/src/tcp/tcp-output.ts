import type { TcpOutput } from "@seville/tcp";
import type { Host } from "../host/host.ts";
import { IPPROTO_TCP } from "../host/protocols.ts";
import { sendIpv4, type SendOptions4 } from "../ipv4/output.ts";
import { sendIpv6, type SendOptions6 } from "../ipv6/output.ts";
import { findWay, flowLabelOf, type KeptWays, type TcpFlow } from "./tcp-route.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** One object serves all lookups and headers: nobody keeps it. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
const ends: Writable<TcpFlow> = {
  source: 0,
  destination: 0,
  sourcePort: 0,
  destinationPort: 0,
  oif: 0,
  mark: 0,
  tos: 0,
  flowLabel: 0,
  anySource: true,
  preferences: 0,
};
const options4: Writable<SendOptions4> = { protocol: IPPROTO_TCP, tos: 0, ttl: 0, dontFragment: true };
const options6: Writable<SendOptions6> = { nextHeader: IPPROTO_TCP, trafficClass: 0, flowLabel: 0, hopLimit: 0 };

/**
 * Sends a segment of the engine (`ip_queue_xmit`, `inet6_csk_xmit`): by the way that its connection keeps, or for an answer
 * that belongs to none by one that is asked for. Takes the packet; without a way it is lost, as in the kernel.
 *
 * @param oif interface to which it is bound; 0: none
 */
export function sendSegment(host: Host, ways: KeptWays, out: TcpOutput, oif: number): void {
  const { packet, source, destination, connection } = out;
  const socket = connection?.user as TcpSocket | undefined;
  const { view } = host.memory;
  ends.source = source;
  ends.destination = destination;
  ends.sourcePort = view.getUint16(packet.data);
  ends.destinationPort = view.getUint16(packet.data + 2);
  ends.oif = oif;
  ends.tos = out.tos;
  ends.mark = socket?.options.SO_MARK ?? 0;
  ends.flowLabel = typeof destination === "number" ? 0 : flowLabelOf(host, out.txhash);
  const way = connection === undefined ? findWay(host, ends) : ways.of(connection, ends);
  if (typeof way === "string") {
    if (way === "ENETUNREACH") {
      if (typeof destination === "number") host.mib.ip.OutNoRoutes++;
      else host.mib.ip6.OutNoRoutes++;
    }
    host.drop(packet, "IP_OUTNOROUTES");
    return;
  }
  packet.mark = ends.mark;
  packet.priority = socket?.options.SO_PRIORITY ?? 0;
  if (typeof source === "number" && typeof destination === "number") {
    options4.tos = out.tos | out.ecn;
    options4.ttl = out.hopLimit;
    options4.dontFragment = out.dontFragment;
    sendIpv4(host, packet, way.hop, source, destination, options4);
    return;
  }
  if (typeof source === "number" || typeof destination === "number") {
    host.drop(packet, "INVALID_PROTO");
    return;
  }
  options6.trafficClass = out.tos | out.ecn;
  options6.hopLimit = out.hopLimit;
  options6.flowLabel = ends.flowLabel;
  sendIpv6(host, packet, way.hop, source, destination, options6);
}
