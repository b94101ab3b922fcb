import {
  createNic,
  type FeatureFix,
  type FeatureSet,
  type Nic,
  type NicOptions,
  type NicProfile,
} from "@seville/netdev";
import type { LinkEnd } from "@seville/sim";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";

/** What `createOffloadNic` may be told beside the wire. */
export interface OffloadNicOptions extends Omit<
  NicOptions,
  "scheduler" | "pool" | "link" | "receive" | "onDrop" | "onFix" | "fragmentId"
> {
  /** What its hardware does. Default `tunnel-offload`. */
  readonly profile?: NicProfile;
}

/** What switching a feature brought about. */
export interface FeatureChange {
  /** What did not come out as asked: fixed, or taken away by a rule. The kernel's names, without NETIF_F_. */
  readonly refused: readonly string[];
  /** What the kernel logs about it, in order (`netdev_fix_features`). */
  readonly messages: readonly string[];
}

/** A device with features, ours or another package's (a TAP device of `@seville/host-link`). */
interface Switchable {
  setFeature(word: string, on: boolean): FeatureSet;
  /** What rules took back in the last call. */
  readonly fixes?: readonly FeatureFix[];
}

function isSwitchable(device: object): device is Switchable {
  return "setFeature" in device && typeof device.setFeature === "function";
}

const nics = new WeakMap<NetDevice, { readonly nic: Nic; readonly log: FeatureFix[] }>();

/**
 * A NIC of `@seville/netdev` on a link, for `host.interfaces.add`: it finishes what its hardware can, in software what it
 * cannot, and merges what comes in (GRO). What it drops is counted by the host.
 */
export function createOffloadNic(host: Host, link: LinkEnd, options: OffloadNicOptions = {}): Nic & NetDevice {
  const log: FeatureFix[] = [];
  let iface: NetInterface | undefined;
  const nic = createNic({
    ...options,
    scheduler: host.scheduler,
    pool: host.pool,
    link,
    onDrop: (packet, reason) => {
      // What the filter in the NIC does not pass, the host never sees.
      if (reason !== "OTHERHOST") host.drops.note(packet, reason, iface);
    },
    onFix: (fix) => log.push(fix),
    fragmentId: () => host.ipv6.nextIdentification(),
  });
  const device = nic as Nic & NetDevice;
  watchAlignment(host, nic);
  const attach = nic.attach.bind(nic);
  device.attach = (to: NetInterface): void => {
    iface = to;
    attach(to);
    refuseLro(nic, to);
    host.notifier.listen((event) => {
      if (event.type === "sysctl" && /\.(ip_forward|forwarding)$/.test(event.name)) refuseLro(nic, to);
    });
  };
  nics.set(device, { nic, log });
  return device;
}

/** On a `strict-align` host GRO traps as well: what the CPU does in NAPI's polls, but not what the NIC's silicon does meanwhile. */
function watchAlignment({ alignment }: Host, nic: Nic): void {
  if (alignment === undefined) return;
  const observe = nic.observe.bind(nic);
  const turn = (busy: boolean, caller: string | undefined): void => {
    if (busy) alignment.enter(caller);
    else alignment.leave();
  };
  nic.observe = (observer) => {
    observe({
      ...observer,
      polling: (busy) => {
        observer?.polling?.(busy);
        turn(busy, "gro");
      },
      hardware: (busy) => {
        observer?.hardware?.(busy);
        turn(busy, undefined);
      },
      received: (packet) => {
        observer?.received?.(packet);
        alignment.turnTo(packet);
      },
    });
  };
  nic.observe(undefined);
}

/**
 * What LRO merged cannot be taken apart again, so whoever forwards switches it off (`dev_disable_lro`, from
 * `inet_forward_change` and `dev_forward_change`). It may be switched on again; then forwarding drops what it made.
 */
function refuseLro(nic: Nic, { v4, v6 }: NetInterface): void {
  if (v4.conf.forwarding !== 0 || v6.conf.forwarding !== 0) nic.device.features.disableLro();
}

/**
 * `ethtool -K IFACE WORD on|off`: a group (`tso`), a feature's name (`tx-udp_tnl-segmentation`) or the kernel's
 * (`NETIF_F_HW_CSUM`).
 * @throws SevilleError `EOPNOTSUPP` of a device without features to switch, `ERR_UNKNOWN_FEATURE`
 */
export function setFeature(iface: NetInterface, word: string, on: boolean): FeatureChange {
  const found = nics.get(iface.device);
  const device = found?.nic ?? iface.device;
  if (!isSwitchable(device)) throw errnoError("EOPNOTSUPP", `${iface.name} has no features to switch`);
  if (found !== undefined) found.log.length = 0;
  const refused = device.setFeature(word, on);
  const log = found?.log ?? device.fixes ?? [];
  const messages = log.map(({ message }) => message).filter((message) => message !== "");
  return { refused: refused.names(), messages };
}
