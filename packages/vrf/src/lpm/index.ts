/**
 * Longest-prefix match: IP prefix → value. Usable alone, for those who want only that.
 *
 * - {@link PrefixMap}: both families, text or numbers
 * - {@link Ipv4PrefixMap}, {@link Ipv6PrefixMap}: one family, numbers
 * - {@link Ipv4Snapshot}: an immutable compiled table for millions of lookups a second
 *
 * @packageDocumentation
 */
export * from "./prefix-map.ts";
export * from "./ipv4-map.ts";
export * from "./ipv6-map.ts";
export type { AddressFamily, FamilyMap, PrefixEntry } from "./family-map.ts";
