import { NS_PER_MS, NS_PER_SEC, type DropReason, type Nanos } from "@seville/core";
import {
  icmpv6,
  ipv6,
  IPPROTO_HOPOPTS,
  IPV6_ALL_MLDV2_ROUTERS,
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_ANY,
  isLinkLocal,
  isUnspecified,
  mld,
  SCOPE_LINK_LOCAL,
  scopeOf,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { IFA_F_DADFAILED, IFA_F_OPTIMISTIC, IFA_F_TENTATIVE } from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { packRecords, type GroupRecord } from "../multicast/group-record.ts";
import { GroupReporter, type GroupReporterProtocol } from "../multicast/group-reporter.ts";
import { sendControl } from "./ndisc-output.ts";

/** Bytes in front of the records: IPv6, router alert, report header. */
const REPORT_OVERHEAD = ipv6.HEADER_LENGTH + 8 + mld.V2_REPORT_LENGTH;
const RECORD_BYTES = 20;
const SOURCE_BYTES = 16;

/** The MLD of a host: one reporter for each interface that can multicast. */
export interface MldLayer {
  of(iface: NetInterface): GroupReporter<Ipv6Address> | undefined;
}

interface Listener {
  readonly reporter: GroupReporter<Ipv6Address>;
  /** Something was reported from `::`, which snooping switches may not have believed. */
  reportedUnspecified: boolean;
}

/** Tells multicast routers of the IPv6 groups that `host` listens to: MLDv2, and v1 where a router speaks it (RFC 3810). */
export function installMld(host: Host): MldLayer {
  const listeners = new Map<number, Listener>();
  const attach = (iface: NetInterface): void => {
    if (iface.isLoopback || !iface.canMulticast || listeners.has(iface.ifindex)) return;
    const listener: Listener = {
      reporter: new GroupReporter<Ipv6Address>(
        protocol(host, iface, () => {
          listener.reportedUnspecified = true;
        }),
      ),
      reportedUnspecified: false,
    };
    listeners.set(iface.ifindex, listener);
    for (const state of iface.v6.groups.states()) listener.reporter.changed(state.group, state);
    if (iface.isRunning) listener.reporter.start();
  };
  for (const iface of host.interfaces) attach(iface);
  host.notifier.listen((event) => {
    if (event.type === "interface-added") attach(event.iface);
    if (!("iface" in event)) return;
    const listener = listeners.get(event.iface.ifindex);
    if (listener === undefined) return;
    const { reporter } = listener;
    switch (event.type) {
      case "interface-up":
      case "carrier":
        if (event.iface.isRunning) reporter.start();
        break;
      case "interface-down":
        reporter.stop();
        listener.reportedUnspecified = false;
        break;
      case "interface-removed":
        reporter.stop();
        listeners.delete(event.iface.ifindex);
        break;
      case "group-changed":
        if (typeof event.group !== "number") {
          reporter.changed(event.group, event.after as Parameters<typeof reporter.changed>[1]);
        }
        break;
      case "address-changed":
        // The link-local address has passed its test: what was said without it is said again (RFC 3810 §5.2.13).
        if (listener.reportedUnspecified && sourceFor(event.iface) !== IPV6_ANY) {
          listener.reportedUnspecified = false;
          reporter.restate();
        }
        break;
      default:
    }
  });
  const handle = (packet: Packet, dev: NetInterface): void => {
    const listener = listeners.get(dev.ifindex);
    const reason = listener === undefined ? "DEV_READY" : receiveMld(listener.reporter, packet);
    if (reason === undefined) packet.release();
    else host.drop(packet, reason, dev);
  };
  for (const type of [icmpv6.MLD_QUERY, icmpv6.MLD_REPORT, icmpv6.MLD_DONE, icmpv6.MLDV2_REPORT]) {
    host.ipv6.icmpHandlers.set(type, handle);
  }
  return { of: (iface) => listeners.get(iface.ifindex)?.reporter };
}

function protocol(host: Host, iface: NetInterface, saidUnspecified: () => void): GroupReporterProtocol<Ipv6Address> {
  const { conf } = iface.v6;
  const source = (): Ipv6Address => {
    const found = sourceFor(iface);
    if (found === IPV6_ANY) saidUnspecified();
    return found;
  };
  const sendOld = (type: number, destination: Ipv6Address, group: Ipv6Address): void => {
    sendControl(iface, {
      source: source(),
      destination,
      hopLimit: 1,
      length: mld.HEADER_LENGTH,
      routerAlert: true,
      write: (view, at) => {
        mld.write(view, at, { type, group });
      },
    });
  };
  return {
    scheduler: host.scheduler,
    random: host.random.fork(`mld/${iface.name}`),
    reports: (group) => group !== IPV6_ALL_NODES && scopeOf(group) >= SCOPE_LINK_LOCAL,
    sendRecords(records) {
      const room = Math.min(iface.mtu, iface.v6.mtu) - REPORT_OVERHEAD;
      for (const report of packRecords(records, room, RECORD_BYTES, SOURCE_BYTES)) sendReport(iface, source(), report);
    },
    sendOldReport(_mode, group) {
      sendOld(icmpv6.MLD_REPORT, group, group);
    },
    sendOldLeave(_mode, group) {
      sendOld(icmpv6.MLD_DONE, IPV6_ALL_ROUTERS, group);
    },
    defaultRobustness: () => host.ipv6.sysctl.mld_qrv,
    unsolicitedInterval: (mode) =>
      (mode === "current" ? conf.mldv2_unsolicited_report_interval : conf.mldv1_unsolicited_report_interval) *
      NS_PER_MS,
    forcedMode() {
      const version = Math.max(conf.force_mld_version, host.ipv6.confAll.force_mld_version);
      return version === 1 ? "v1" : version === 2 ? "current" : undefined;
    },
    olderQuerierPresent: (_mode, robustness, interval, maxResponse) => robustness * interval + maxResponse,
  };
}

function sendReport(iface: NetInterface, source: Ipv6Address, records: readonly GroupRecord<Ipv6Address>[]): void {
  const sources = records.reduce((sum, record) => sum + record.sources.length, 0);
  sendControl(iface, {
    source,
    destination: IPV6_ALL_MLDV2_ROUTERS,
    hopLimit: 1,
    length: mld.V2_REPORT_LENGTH + records.length * RECORD_BYTES + sources * SOURCE_BYTES,
    routerAlert: true,
    write: (view, at) => {
      mld.writeReport(view, at, records);
    },
  });
}

/** A link-local address, or `::` while there is none that is known to be ours alone (RFC 3810 §5.2.13, RFC 3590). */
function sourceFor(iface: NetInterface): Ipv6Address {
  const own = iface.v6.addresses.find(({ address, flags }) => {
    const tested = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0 || (flags & IFA_F_OPTIMISTIC) !== 0;
    return isLinkLocal(address) && tested;
  });
  return own?.address ?? IPV6_ANY;
}

/** A message of MLD with a right checksum. Answers why it is dropped. */
export function receiveMld(reporter: GroupReporter<Ipv6Address>, packet: Packet): DropReason | undefined {
  const { view } = packet.pool.memory;
  const at = packet.transportHeader;
  const ip = packet.networkHeader;
  if (mld.check(view, at, packet.tail) !== undefined) return "HDR_TRUNC";
  const type = icmpv6.type(view, at);
  // From the link, for the link (RFC 3810 §5.1.14, §7.4): a link-local source, hop limit 1, router alert.
  if (ipv6.hopLimit(view, ip) !== 1 || !hasRouterAlert(view, ip)) return "IPV6_NDISC_HOP_LIMIT";
  const source = ipv6.source(view, ip);
  if (type === icmpv6.MLD_REPORT) {
    if (!isLinkLocal(source) && !isUnspecified(source)) return "IP_INVALID_SOURCE";
    reporter.reportHeard(mld.group(view, at));
    return undefined;
  }
  if (type !== icmpv6.MLD_QUERY) return "NOT_SPECIFIED";
  if (!isLinkLocal(source)) return "IP_INVALID_SOURCE";
  return receiveQuery(reporter, view, at, packet.tail);
}

function receiveQuery(
  reporter: GroupReporter<Ipv6Address>,
  view: DataView,
  at: number,
  end: number,
): DropReason | undefined {
  const isV2 = mld.queryVersion(end - at) === 2;
  const group = mld.group(view, at);
  const about = isUnspecified(group) ? undefined : group;
  if (about !== undefined && group.w0 >>> 24 !== 0xff) return "IP_INVALID_DEST";
  const maxResponse: Nanos = Math.max(1, mld.maxResponseDelay(view, at, isV2)) * NS_PER_MS;
  if (!isV2) {
    reporter.query({ version: "v1", group: about, sources: [], maxResponse, robustness: 0, interval: 0 });
    return undefined;
  }
  const query = mld.parseQuery(view, at);
  // A general query that names sources is none (RFC 3810 §5.1.10).
  if (about === undefined && query.sources.length > 0) return "NOT_SPECIFIED";
  reporter.query({
    version: "current",
    group: about,
    sources: query.sources,
    maxResponse,
    robustness: query.robustness,
    interval: query.queryInterval * NS_PER_SEC,
  });
  return undefined;
}

function hasRouterAlert(view: DataView, ip: number): boolean {
  if (ipv6.nextHeader(view, ip) !== IPPROTO_HOPOPTS) return false;
  const option = ipv6.findExtensionOption(view, ip + ipv6.HEADER_LENGTH, ipv6.OPTION_ROUTER_ALERT);
  return option >= 0 && view.getUint16(option + 2) === ipv6.ROUTER_ALERT_MLD;
}
