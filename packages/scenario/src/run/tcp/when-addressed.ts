import { millis } from "@seville/core";
import { isLinkLocal, type IpAddress } from "@seville/packet";
import { IFA_F_TENTATIVE, type Host } from "@seville/stack";
import type { World } from "../world.ts";

/** How often it is looked whether duplicate address detection is over. */
const LOOK_EVERY = millis(100);

/**
 * Calls `begin` as soon as `host` has an address from which to speak to `to`: at once, or when duplicate address detection has found
 * nothing. A connection that began before would keep a source that leads nowhere. Answers the function that takes it back.
 */
export function whenAddressed(world: World, host: Host, to: IpAddress, begin: () => void): () => void {
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    if (isAddressed(host, to)) begin();
    else world.simulator.scheduleCall(world.simulator.now + LOOK_EVERY, look);
  };
  look();
  return () => {
    isOver = true;
  };
}

function isAddressed(host: Host, to: IpAddress): boolean {
  if (typeof to === "number") return true;
  const wantsLinkLocal = isLinkLocal(to);
  return [...host.interfaces].some(
    (iface) =>
      !iface.isLoopback &&
      iface.v6.addresses.some(
        ({ address, flags }) => (flags & IFA_F_TENTATIVE) === 0 && (wantsLinkLocal || !isLinkLocal(address)),
      ),
  );
}
