/** What a fabric is made of, before it has addresses: nodes, and links between their interfaces. Names are those inside the fabric. */
export interface FabricPlan {
  readonly hosts: readonly FabricHost[];
  readonly switches: readonly FabricSwitch[];
  readonly links: readonly FabricLink[];
}

export interface FabricHost {
  readonly name: string;
  /** Its subnet among those of its switch: where its address comes from. */
  readonly rack: number;
  readonly index: number;
  /** The switch and its interface at the other end of `eth0`. */
  readonly switch: string;
  readonly port: string;
}

export interface FabricSwitch {
  readonly name: string;
  /** From the edge (0) upwards. */
  readonly tier: number;
  /** Where packets go for which racks; what no entry covers goes up. */
  readonly down: readonly { readonly racks: RackRange; readonly port: string }[];
  /** Interfaces towards the next tier: any of them leads everywhere. */
  readonly up: readonly string[];
}

/** `2^bits` racks from `first` on: one prefix. */
export interface RackRange {
  readonly first: number;
  readonly bits: number;
}

/** A link between switches. */
export interface FabricLink {
  readonly name: string;
  readonly ends: readonly [FabricEnd, FabricEnd];
}

export interface FabricEnd {
  readonly node: string;
  readonly port: string;
}
