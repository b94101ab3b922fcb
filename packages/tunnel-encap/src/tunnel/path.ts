import type { IpAddress } from "@seville/packet";
import type { GroupPolicy } from "../header/vxlan.ts";
import type { GeneveOption } from "../header/geneve-options.ts";

/** What the caller knows of where a packet goes: its route, and what differs from the tunnel's configuration. */
export interface OuterPath {
  /** The route's TTL or hop limit, for tunnels that do not fix it. Default 64. */
  readonly hopLimit?: number | undefined;
  /** Instead of the tunnel's: for tunnels with several ends. */
  readonly local?: IpAddress | undefined;
  readonly remote?: IpAddress | undefined;
  /** Instead of the tunnel's `id` (VNI). */
  readonly id?: number | undefined;
  readonly dstport?: number | undefined;
  /** Instead of the tunnel's. */
  readonly gbp?: GroupPolicy | undefined;
  readonly options?: readonly GeneveOption[] | undefined;
  /** Time for ERSPAN's type III, in units of 100 µs. */
  readonly timestamp?: number | undefined;
  /** Room to leave in front of the outer IP header, for the link's header. Default 16. */
  readonly linkHeadroom?: number | undefined;
}
