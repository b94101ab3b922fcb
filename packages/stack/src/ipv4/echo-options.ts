import { ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";

/**
 * The options that a reply to `packet` bears: what was recorded on the way here goes on being recorded (RFC 1122
 * §3.2.2.6; `__ip_options_echo`). Source routes are not turned round.
 */
export function echoedOptions4(host: Host, packet: Packet): Uint8Array | undefined {
  const { view, u8 } = host.memory;
  const at = packet.networkHeader;
  if (packet.transportHeader - at <= 20) return undefined;
  const kept: number[] = [];
  for (const type of [ipv4.OPTION_RR, ipv4.OPTION_TIMESTAMP]) {
    const option = ipv4.findOption(view, at, type);
    if (option < 0) continue;
    kept.push(...u8.subarray(option, option + view.getUint8(option + 1)));
  }
  if (kept.length === 0) return undefined;
  while (kept.length % 4 !== 0) kept.push(ipv4.OPTION_END);
  return Uint8Array.from(kept);
}
