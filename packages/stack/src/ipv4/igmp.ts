import { bindChecksum, finish } from "@seville/checksum";
import { NS_PER_MS, NS_PER_SEC, type DropReason, type Nanos } from "@seville/core";
import { ETH_P_IP, igmp, IPPROTO_IGMP, ipv4, isMulticast, multicastMac, type Packet } from "@seville/packet";
import { selectInetAddress } from "../address/inet-select.ts";
import type { Host } from "../host/host.ts";
import { RT_SCOPE_LINK } from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { packRecords, type GroupRecord } from "../multicast/group-record.ts";
import { GroupReporter, type GroupReporterProtocol, type ReporterMode } from "../multicast/group-reporter.ts";
import { NF_INET_LOCAL_OUT } from "../netfilter/hooks.ts";

export const ALL_HOSTS = 0xe000_0001;
export const ALL_ROUTERS = 0xe000_0002;
/** All IGMPv3-capable routers (RFC 3376 §4.2.14). */
export const ALL_IGMPV3_ROUTERS = 0xe000_0016;

/** IPv4 with router alert. */
const IP_BYTES = 24;
const RECORD_BYTES = 8;
const SOURCE_BYTES = 4;
/** RFC 2236 §4: how long a version 1 router counts after its query, and the response time that its queries mean. */
const V1_ROUTER_PRESENT: Nanos = 400 * NS_PER_SEC;
const V1_RESPONSE: Nanos = 10 * NS_PER_SEC;
/** DSCP CS6, as RFC 3376 §4 asks (precedence internetwork control). */
const DSCP_CS6 = 48;

/** The IGMP of a host. */
export interface IgmpLayer {
  of(iface: NetInterface): GroupReporter<number> | undefined;
}

/** Tells multicast routers of the IPv4 groups that `host` listens to: IGMPv3, and older where a router speaks it (RFC 3376). */
export function installIgmp(host: Host): IgmpLayer {
  const reporters = new Map<number, GroupReporter<number>>();
  const attach = (iface: NetInterface): void => {
    if (iface.isLoopback || !iface.canMulticast || reporters.has(iface.ifindex)) return;
    const reporter = new GroupReporter<number>(protocol(host, iface));
    reporters.set(iface.ifindex, reporter);
    for (const state of iface.v4.groups.states()) reporter.changed(state.group, state);
    if (iface.isUp) reporter.start();
  };
  for (const iface of host.interfaces) attach(iface);
  host.notifier.listen((event) => {
    if (event.type === "interface-added") attach(event.iface);
    if (!("iface" in event)) return;
    const reporter = reporters.get(event.iface.ifindex);
    if (reporter === undefined) return;
    switch (event.type) {
      case "interface-up":
        reporter.start();
        break;
      case "interface-down":
        reporter.stop();
        break;
      case "interface-removed":
        reporter.stop();
        reporters.delete(event.iface.ifindex);
        break;
      case "group-changed":
        if (typeof event.group === "number") {
          reporter.changed(event.group, event.after as Parameters<typeof reporter.changed>[1]);
        }
        break;
      default:
    }
  });
  host.registerProtocol(
    IPPROTO_IGMP,
    {
      name: "igmp",
      receive(packet, _family, dev) {
        const reporter = reporters.get(dev.ifindex);
        const reason = reporter === undefined ? "DEV_READY" : receiveIgmp(reporter, packet);
        if (reason === undefined) packet.release();
        else host.drop(packet, reason, dev);
      },
    },
    [4],
  );
  return { of: (iface) => reporters.get(iface.ifindex) };
}

function protocol(host: Host, iface: NetInterface): GroupReporterProtocol<number> {
  const { conf } = iface.v4;
  const sendOld = (type: number, destination: number, group: number): void => {
    send(host, iface, destination, igmp.HEADER_LENGTH, (view, at) => {
      igmp.write(view, at, { type, group });
    });
  };
  return {
    scheduler: host.scheduler,
    random: host.random.fork(`igmp/${iface.name}`),
    reports(group) {
      if (group === ALL_HOSTS) return false;
      return group >>> 8 !== 0xe0_0000 || host.ipv4.sysctl.igmp_link_local_mcast_reports !== 0;
    },
    sendRecords(records) {
      const room = iface.mtu - IP_BYTES - igmp.HEADER_LENGTH;
      for (const report of packRecords(records, room, RECORD_BYTES, SOURCE_BYTES)) sendReport(host, iface, report);
    },
    sendOldReport(mode, group) {
      sendOld(mode === "v1" ? igmp.V1_MEMBERSHIP_REPORT : igmp.V2_MEMBERSHIP_REPORT, group, group);
    },
    sendOldLeave(mode, group) {
      if (mode !== "v1") sendOld(igmp.LEAVE_GROUP, ALL_ROUTERS, group);
    },
    defaultRobustness: () => host.ipv4.sysctl.igmp_qrv,
    unsolicitedInterval: (mode) =>
      (mode === "current" ? conf.igmpv3_unsolicited_report_interval : conf.igmpv2_unsolicited_report_interval) *
      NS_PER_MS,
    forcedMode() {
      const forced: readonly (ReporterMode | undefined)[] = [undefined, "v1", "v2", "current"];
      return forced[Math.max(conf.force_igmp_version, host.ipv4.confAll.force_igmp_version)];
    },
    olderQuerierPresent: (mode, robustness, interval, maxResponse) =>
      mode === "v1" ? V1_ROUTER_PRESENT : robustness * interval + maxResponse,
  };
}

function sendReport(host: Host, iface: NetInterface, records: readonly GroupRecord<number>[]): void {
  const sources = records.reduce((sum, record) => sum + record.sources.length, 0);
  const length = igmp.HEADER_LENGTH + records.length * RECORD_BYTES + sources * SOURCE_BYTES;
  send(host, iface, ALL_IGMPV3_ROUTERS, length, (view, at) => {
    igmp.writeReport(view, at, records);
  });
}

/** An IGMP message of `length` bytes: TTL 1, router alert, DF, CS6 (RFC 3376 §4). */
function send(
  host: Host,
  iface: NetInterface,
  destination: number,
  length: number,
  write: (view: DataView, at: number) => void,
): void {
  const packet = host.pool.alloc(IP_BYTES + length);
  if (packet === undefined) {
    host.mib.ip.OutDiscards++;
    return;
  }
  const { view } = host.memory;
  const at = packet.put(IP_BYTES + length);
  const source = selectInetAddress({ addresses: iface.v4.addresses, routeLocalnet: false }, destination, RT_SCOPE_LINK);
  ipv4.write(view, at, {
    dscp: DSCP_CS6,
    totalLength: IP_BYTES + length,
    identification: 0,
    dontFragment: true,
    ttl: 1,
    protocol: IPPROTO_IGMP,
    source,
    destination,
    options: [{ kind: "router-alert", value: 0 }],
  });
  write(view, at + IP_BYTES);
  igmp.setChecksum(view, at + IP_BYTES, finish(bindChecksum(host.memory).sum(at + IP_BYTES, length)));
  packet.networkHeader = at;
  packet.transportHeader = at + IP_BYTES;
  packet.protocol = ETH_P_IP;
  host.mib.ip.OutRequests++;
  const deliver = (passed: Packet): void => {
    host.mib.ipExt.OutMcastPkts++;
    host.mib.ipExt.OutMcastOctets += passed.length;
    host.mib.ipExt.OutOctets += passed.length;
    iface.sendTo(passed, multicastMac(destination), host.now);
  };
  if (host.hooks.active(4, NF_INET_LOCAL_OUT)) host.hooks.run(4, NF_INET_LOCAL_OUT, packet, undefined, iface, deliver);
  else deliver(packet);
}

/** An IGMP message for this host, `transportHeader` at its type. Answers why it is dropped. */
export function receiveIgmp(reporter: GroupReporter<number>, packet: Packet): DropReason | undefined {
  const { memory } = packet.pool;
  const { view } = memory;
  const at = packet.transportHeader;
  if (igmp.check(view, at, packet.tail) !== undefined) return "HDR_TRUNC";
  const sum = bindChecksum(memory).sum(at, packet.tail - at);
  if (finish(sum) !== 0) return "ICMP_CSUM";
  switch (igmp.type(view, at)) {
    case igmp.V1_MEMBERSHIP_REPORT:
    case igmp.V2_MEMBERSHIP_REPORT:
      reporter.reportHeard(igmp.group(view, at));
      return undefined;
    case igmp.MEMBERSHIP_QUERY:
      return receiveQuery(reporter, view, at, packet.tail - at);
    default:
      return "NOT_SPECIFIED";
  }
}

function receiveQuery(
  reporter: GroupReporter<number>,
  view: DataView,
  at: number,
  length: number,
): DropReason | undefined {
  const version = igmp.queryVersion(view, at, length);
  const group = igmp.group(view, at);
  if (group !== 0 && !isMulticast(group)) return "IP_INVALID_DEST";
  // A version 1 query is always about all groups (RFC 2236 §2.1).
  const about = group === 0 || version === 1 ? undefined : group;
  if (version < 3) {
    const code = igmp.maxResponseTime(view, at, false);
    const maxResponse = version === 1 ? V1_RESPONSE : code * 100 * NS_PER_MS;
    reporter.query({
      version: version === 1 ? "v1" : "v2",
      group: about,
      sources: [],
      maxResponse,
      robustness: 0,
      interval: 0,
    });
    return undefined;
  }
  const query = igmp.parseQuery(view, at);
  if (about === undefined && query.sources.length > 0) return "NOT_SPECIFIED";
  reporter.query({
    version: "current",
    group: about,
    sources: query.sources,
    maxResponse: Math.max(1, query.maxResponseTime) * 100 * NS_PER_MS,
    robustness: query.robustness,
    interval: query.queryInterval * NS_PER_SEC,
  });
  return undefined;
}
