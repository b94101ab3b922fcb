import { invalidArgument } from "@seville/core";
import { formatIpv6 } from "./ipv6-text.ts";

/**
 * An IPv6 address with its zone: an immutable value of which there is one object for each address, so that `===`
 * compares, and a `Map` or `Set` takes it as a key.
 *
 * It comes from {@link Ipv6Address.of}, `parseIpv6` or {@link readIpv6}. The table that keeps it unique holds it weakly:
 * an address that nobody keeps costs nothing in the long run, however many strangers pass by.
 */
export class Ipv6Address {
  /** The four 32-bit words, unsigned, in the order of the wire. */
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** RFC 4007 §11 zone id, such as an interface's name; `""`: the default zone. Never on the wire. */
  readonly zone: string;

  private constructor(w0: number, w1: number, w2: number, w3: number, zone: string) {
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
    this.zone = zone;
  }

  /** The address of four words (each is taken as unsigned 32 bits). */
  static of(w0: number, w1: number, w2: number, w3: number, zone = ""): Ipv6Address {
    w0 >>>= 0;
    w1 >>>= 0;
    w2 >>>= 0;
    w3 >>>= 0;
    if (zone !== "") return Ipv6Address.#interned(w0, w1, w2, w3, zone);
    const slot = mix(w0, w1, w2, w3) & (RECENT_SIZE - 1);
    const recent = RECENT[slot];
    if (recent?.w3 === w3 && recent.w2 === w2 && recent.w1 === w1 && recent.w0 === w0) return recent;
    // Two that share a slot share its neighbour too, and do not drive each other out.
    const second = RECENT[slot ^ 1];
    if (second?.w3 === w3 && second.w2 === w2 && second.w1 === w1 && second.w0 === w0) return second;
    const address = Ipv6Address.#interned(w0, w1, w2, w3, "");
    RECENT[slot ^ 1] = recent;
    RECENT[slot] = address;
    return address;
  }

  /** The same address in zone `zone`; `""` takes the zone away. */
  withZone(zone: string): Ipv6Address {
    if (zone === this.zone) return this;
    if (zone.length > 64 || /[\s%/]/.test(zone)) {
      throw invalidArgument("zone", "a name of at most 64 characters without space, % and /", zone);
    }
    return Ipv6Address.of(this.w0, this.w1, this.w2, this.w3, zone);
  }

  /** The text of RFC 5952, and `%zone`. */
  toString(): string {
    return formatIpv6(this);
  }

  toJSON(): string {
    return formatIpv6(this);
  }

  /** The one object of these words, from the table of all that live. */
  static #interned(w0: number, w1: number, w2: number, w3: number, zone: string): Ipv6Address {
    const key = keyOf(w0, w1, w2, w3) + zone;
    const known = LIVING.get(key)?.deref();
    if (known !== undefined) return known;
    const address = Object.freeze(new Ipv6Address(w0, w1, w2, w3, zone));
    LIVING.set(key, new WeakRef(address));
    if (LIVING.size >= sweepAt) sweep();
    return address;
  }
}

/**
 * Addresses seen lately, by hash: the fast way, without a key string or a weak reference. What it holds strongly is
 * bounded by its size.
 */
const RECENT_SIZE = 4096;
const RECENT: (Ipv6Address | undefined)[] = new Array<Ipv6Address | undefined>(RECENT_SIZE).fill(undefined);

/** Every living address. The keys are strings because engines seed the hash of strings: nobody can aim for one bucket. */
const LIVING = new Map<string, WeakRef<Ipv6Address>>();
const FIRST_SWEEP = 8192;
let sweepAt = FIRST_SWEEP;

/** Forgets the dead whenever the table has doubled: cheaper for each address than a finalization registry. */
function sweep(): void {
  for (const [key, address] of LIVING) if (address.deref() === undefined) LIVING.delete(key);
  sweepAt = Math.max(FIRST_SWEEP, LIVING.size * 2);
}

function keyOf(w0: number, w1: number, w2: number, w3: number): string {
  return String.fromCharCode(
    w0 >>> 16,
    w0 & 0xffff,
    w1 >>> 16,
    w1 & 0xffff,
    w2 >>> 16,
    w2 & 0xffff,
    w3 >>> 16,
    w3 & 0xffff,
  );
}

/** Multiplication by odd constants and folding: enough to spread addresses that differ in few bits. */
function mix(w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w0, 0x9e37_79b1) ^ Math.imul(w1, 0x85eb_ca77);
  h = Math.imul(h ^ (h >>> 15) ^ w2, 0xc2b2_ae3d);
  h = Math.imul(h ^ (h >>> 13) ^ w3, 0x27d4_eb2f);
  return h ^ (h >>> 16);
}

/** The 16 bytes at `at`. */
export function readIpv6(view: DataView, at: number): Ipv6Address {
  return Ipv6Address.of(view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12));
}

/** Writes the 16 bytes; the zone stays here. */
export function writeIpv6(view: DataView, at: number, address: Ipv6Address): void {
  view.setUint32(at, address.w0);
  view.setUint32(at + 4, address.w1);
  view.setUint32(at + 8, address.w2);
  view.setUint32(at + 12, address.w3);
}

/** Whether the 16 bytes at `at` are those of `address`, whatever its zone. Makes nothing. */
export function isIpv6At(view: DataView, at: number, address: Ipv6Address): boolean {
  return (
    view.getUint32(at + 12) === address.w3 &&
    view.getUint32(at + 8) === address.w2 &&
    view.getUint32(at + 4) === address.w1 &&
    view.getUint32(at) === address.w0
  );
}

/** `::` */
export const IPV6_ANY: Ipv6Address = Ipv6Address.of(0, 0, 0, 0);
/** `::1` */
export const IPV6_LOOPBACK: Ipv6Address = Ipv6Address.of(0, 0, 0, 1);
/** `ff02::1`, all nodes of the link (RFC 4291 §2.7.1). */
export const IPV6_ALL_NODES: Ipv6Address = Ipv6Address.of(0xff02_0000, 0, 0, 1);
/** `ff02::2`, all routers of the link (RFC 4291 §2.7.1). */
export const IPV6_ALL_ROUTERS: Ipv6Address = Ipv6Address.of(0xff02_0000, 0, 0, 2);
/** `ff02::16`, all MLDv2-capable routers (RFC 3810 §5.2.14). */
export const IPV6_ALL_MLDV2_ROUTERS: Ipv6Address = Ipv6Address.of(0xff02_0000, 0, 0, 0x16);
