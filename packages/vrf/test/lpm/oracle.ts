import type { IpAddress } from "@seville/packet";
import { commonPrefixLength } from "@seville/packet";

export interface OraclePrefix<V> {
  readonly network: IpAddress;
  readonly length: number;
  readonly value: V;
}

/** The slow, obvious table: every prefix is asked about every address. */
export class Oracle<V> {
  readonly prefixes = new Map<string, OraclePrefix<V>>();

  set(network: IpAddress, length: number, value: V): void {
    this.prefixes.set(keyOf(network, length), { network, length, value });
  }

  delete(network: IpAddress, length: number): boolean {
    return this.prefixes.delete(keyOf(network, length));
  }

  match(address: IpAddress): OraclePrefix<V> | undefined {
    let best: OraclePrefix<V> | undefined;
    for (const one of this.prefixes.values()) {
      if (holds(one, address) && (best === undefined || one.length > best.length)) best = one;
    }
    return best;
  }
}

function holds(prefix: OraclePrefix<unknown>, address: IpAddress): boolean {
  if (typeof prefix.network !== typeof address) return false;
  return commonPrefixLength(prefix.network, address) >= prefix.length;
}

/** By text, cut to the length bit by bit: nothing in common with the masks of the code under test. */
function keyOf(network: IpAddress, length: number): string {
  const words = typeof network === "number" ? [network] : [network.w0, network.w1, network.w2, network.w3];
  const bits = words.map((word) => word.toString(2).padStart(32, "0")).join("");
  return `${bits.slice(0, length)}/${words.length}`;
}
