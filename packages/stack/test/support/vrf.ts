import type { Packet } from "@seville/packet";
import { ARPHRD_ETHER } from "../../src/interface/flags.ts";
import { type Host, type NetDevice, type NetInterface, setSdif } from "../../src/index.ts";

/** A layer-3 master with nothing but what a test needs: what its slaves receive is its own, and routes are those of its table. */
export function fakeVrf(host: Host, name: string, tableId: number): NetInterface {
  const device: NetDevice = {
    kind: "vrf",
    type: ARPHRD_ETHER,
    flags: 0x80,
    features: 0,
    hardHeaderLength: 14,
    neededHeadroom: 0,
    mtu: 65_575,
    minMtu: 1280,
    maxMtu: 65_575,
    carrier: true,
    attach: () => undefined,
    transmit: (packet: Packet) => packet.release(),
    l3mdev: {
      tableId,
      receive(packet: Packet, slave: NetInterface) {
        setSdif(packet, slave.ifindex);
        packet.ifindex = vrf.ifindex;
        return true;
      },
      output: () => true,
    },
  };
  const vrf = host.interfaces.add(device, { name, up: true });
  const { fib } = host.ipv4;
  const others = fib.lookup.bind(fib);
  // The default lookup knows no VRF: here the rule of this one goes before it (`l3mdev_fib_rule_match`).
  fib.lookup = (flow) =>
    flow.l3mdev === vrf.ifindex ? fib.table(tableId).lookup({ ...flow, oif: 0 })?.hops[0] : others(flow);
  return vrf;
}
