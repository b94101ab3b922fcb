import { NEVER, type Nanos } from "@seville/core";
import type { IpAddress } from "@seville/packet";

/** `rt_scope_t` (include/uapi/linux/rtnetlink.h). */
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

/** `ifa_flags` (include/uapi/linux/if_addr.h). */
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_TEMPORARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

/** How the address came to be (`ifa_proto`). */
export const IFAPROT_UNSPEC = 0;
export const IFAPROT_KERNEL_LO = 1;
export const IFAPROT_KERNEL_RA = 2;
export const IFAPROT_KERNEL_LL = 3;

/** An address of an interface: `struct in_ifaddr` and `struct inet6_ifaddr` in one. Its owner may change what is not `readonly`. */
export interface InterfaceAddress<A extends IpAddress = IpAddress> {
  /** `ifa_local`. */
  readonly address: A;
  readonly prefixLength: number;
  /** `ifa_address` of a point-to-point link: the other end. Otherwise the address itself. */
  readonly peer: A;
  /** IPv4: the subnet's broadcast address, 0 if it has none. */
  readonly broadcast: number;
  readonly scope: number;
  readonly label: string;
  /** `IFA_F_…`. */
  flags: number;
  readonly proto: number;
  /** Metric of the routes that come with the address; 0: the family's default. */
  readonly routePriority: number;
  /** When it stops being preferred and when it goes; {@link NEVER}: not at all. */
  preferredUntil: Nanos;
  validUntil: Nanos;
  /** When it was made, and last changed. */
  created: Nanos;
  updated: Nanos;
}

/** What a caller says of a new address; all else has the kernel's defaults. */
export interface NewAddress<A extends IpAddress = IpAddress> {
  readonly address: A;
  readonly prefixLength: number;
  readonly peer?: A;
  readonly broadcast?: number;
  readonly scope?: number;
  readonly label?: string;
  readonly flags?: number;
  readonly proto?: number;
  readonly routePriority?: number;
  readonly preferredUntil?: Nanos;
  readonly validUntil?: Nanos;
}

export function makeInterfaceAddress<A extends IpAddress>(
  given: NewAddress<A>,
  scope: number,
  label: string,
  now: Nanos,
): InterfaceAddress<A> {
  const validUntil = given.validUntil ?? NEVER;
  return {
    address: given.address,
    prefixLength: given.prefixLength,
    peer: given.peer ?? given.address,
    broadcast: given.broadcast ?? 0,
    scope: given.scope ?? scope,
    label: given.label ?? label,
    flags: (given.flags ?? 0) | (validUntil === NEVER ? IFA_F_PERMANENT : 0),
    proto: given.proto ?? IFAPROT_UNSPEC,
    routePriority: given.routePriority ?? 0,
    preferredUntil: given.preferredUntil ?? NEVER,
    validUntil,
    created: now,
    updated: now,
  };
}
