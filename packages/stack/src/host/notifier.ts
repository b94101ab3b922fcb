import type { Nanos } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { InterfaceAddress } from "../interface/interface-address.ts";
import type { GroupState } from "../interface/multicast-groups.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { Route } from "../route/route.ts";

/** What parts of a host tell each other: the kernel's notifier chains, in one. `ip monitor` prints them. */
export type StackEvent =
  | {
      readonly type:
        | "interface-added"
        | "interface-removed"
        | "interface-up"
        /** Before its routes and addresses are taken away. */
        | "interface-going-down"
        | "interface-down"
        | "carrier"
        | "mtu"
        | "mac"
        | "renamed"
        | "master";
      readonly iface: NetInterface;
    }
  | {
      readonly type: "address-added" | "address-removed" | "address-changed";
      readonly iface: NetInterface;
      readonly address: InterfaceAddress;
    }
  | {
      readonly type: "group-changed";
      readonly iface: NetInterface;
      readonly group: IpAddress;
      readonly before: GroupState | undefined;
      readonly after: GroupState | undefined;
    }
  | { readonly type: "route-added" | "route-removed"; readonly route: Route }
  | { readonly type: "sysctl"; readonly name: string };

export type StackListener = (event: StackEvent, now: Nanos) => void;

/** Calls its listeners at once, in the order in which they came. */
export class Notifier {
  #listeners: readonly StackListener[] = [];

  /** Adds `listener` and answers the function that takes it away. */
  listen(listener: StackListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  notify(event: StackEvent, now: Nanos): void {
    for (const listener of this.#listeners) listener(event, now);
  }
}
