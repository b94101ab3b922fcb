import type { Dissection } from "./dissection.ts";

/** Adds what lies from `at` to `end` to the tree. It must not read behind `end`, and must end for any bytes. */
export type Dissector = (dissection: Dissection, at: number, end: number) => void;

/** Dissectors by the number that announces them. */
export interface DissectorTables {
  /** By the first header: {@link LINK_ETHERNET} … */
  readonly link?: Readonly<Record<number, Dissector>>;
  readonly etherType?: Readonly<Record<number, Dissector>>;
  /** IP protocol or IPv6 next header. */
  readonly ipProtocol?: Readonly<Record<number, Dissector>>;
  /** By either port, the destination's first. */
  readonly udpPort?: Readonly<Record<number, Dissector>>;
  readonly tcpPort?: Readonly<Record<number, Dissector>>;
}

export type DissectorTable = keyof DissectorTables;

/** Link types of pcap (LINKTYPE_…): Ethernet frame; bare IP packet. */
export const LINK_ETHERNET = 1;
export const LINK_RAW = 101;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;

/** One set of tables out of several; what stands in a later one wins. */
export function mergeTables(...all: readonly DissectorTables[]): DissectorTables {
  const merged: { [Table in DissectorTable]?: Record<number, Dissector> } = {};
  for (const tables of all) {
    for (const [table, entries] of Object.entries(tables) as [DissectorTable, Record<number, Dissector>][]) {
      merged[table] = { ...merged[table], ...entries };
    }
  }
  return merged;
}
