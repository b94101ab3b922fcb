import { NS_PER_MS, NS_PER_SEC, type Nanos, type Random } from "@seville/core";
import type { IpAddress } from "@seville/packet";

/** How many intervals' worth of messages may come at once (`XRLIM_BURST_FACTOR`, net/ipv4/icmp.c). */
const BURST_FACTOR = 6;
/** Destinations remembered; the one longest unused goes first. */
const MAX_PEERS = 65_664;

interface Peer {
  tokens: Nanos;
  last: Nanos;
}

/** One ICMP message per `interval` to each destination, with a burst of six (`inet_peer_xrlim_allow`). */
export class PeerLimit<A extends IpAddress> {
  readonly #peers = new Map<A, Peer>();

  /** Takes a token for `destination`. @param intervalMs `icmp_ratelimit`, milliseconds; 0: no limit */
  allow(destination: A, intervalMs: number, now: Nanos): boolean {
    if (intervalMs === 0) return true;
    const interval = intervalMs * NS_PER_MS;
    const peer = this.#peerOf(destination, interval, now);
    peer.tokens = Math.min(peer.tokens + (now - peer.last), BURST_FACTOR * interval);
    peer.last = now;
    if (peer.tokens < interval) return false;
    peer.tokens -= interval;
    return true;
  }

  /** A new peer has a full bucket: the kernel's has waited since boot. */
  #peerOf(destination: A, interval: Nanos, now: Nanos): Peer {
    let peer = this.#peers.get(destination);
    if (peer === undefined) {
      if (this.#peers.size >= MAX_PEERS) {
        for (const oldest of this.#peers.keys()) {
          this.#peers.delete(oldest);
          break;
        }
      }
      peer = { tokens: BURST_FACTOR * interval, last: now };
      this.#peers.set(destination, peer);
    }
    return peer;
  }
}

/**
 * The limit over all destinations together: `icmp_msgs_per_sec` with `icmp_msgs_burst` (`icmp_global_allow`). It takes
 * a random number of tokens now and then, so that nobody can count what others caused (SAD DNS, CVE-2020-25705).
 */
export class GlobalLimit {
  readonly #random: Random;
  #credit = 0;
  #stamp: Nanos = -NS_PER_SEC;

  constructor(random: Random) {
    this.#random = random;
  }

  allow(perSecond: number, burst: number, now: Nanos): boolean {
    const passed = Math.min(now - this.#stamp, NS_PER_SEC);
    if (passed >= NS_PER_SEC / 50) {
      const more = Math.floor((perSecond * passed) / NS_PER_SEC);
      if (more > 0) {
        this.#stamp = now;
        this.#credit = Math.min(this.#credit + more, burst);
      }
    }
    if (this.#credit <= 0) return false;
    this.#credit = Math.max(this.#credit - this.#random.below(3), 0);
    return true;
  }
}
