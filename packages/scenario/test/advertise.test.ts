import { formatIp } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { runScenario, type Interface, type Scenario, type World } from "../src/index.ts";

/** A router with `advertise` on its interface, and a host that autoconfigures. */
async function autoconfigured(advertise: Interface["advertise"]) {
  const scenario: Scenario = {
    name: "advertise",
    duration: "12s",
    hosts: {
      r: {
        kind: "router",
        interfaces: {
          eth0: {
            addresses: ["10.0.0.1/24", "2001:db8:7::1/64", "2001:db8:7::2/64", "fe80::1/64"],
            ...(advertise === undefined ? {} : { advertise }),
          },
        },
      },
      h: { interfaces: { eth0: { mac: "02:00:00:00:00:09" } } },
    },
    links: { l: { between: ["r:eth0", "h:eth0"] } },
  };
  const told = { addresses: [] as string[], mtu: 0 };
  const look = ({ hosts, simulator }: World): void => {
    simulator.scheduleCall(11e9, () => {
      const eth0 = hosts.get("h")!.interfaces.named("eth0");
      told.addresses = eth0.v6.addresses.map(({ address }) => formatIp(address)).sort();
      told.mtu = eth0.v6.mtu;
    });
  };
  await runScenario(scenario, { setup: look });
  return told;
}

describe("advertise: a router's advertisements (RFC 4861 §6.2)", () => {
  test("true: for the prefixes of the interface's own global addresses, each once", async () => {
    const { addresses } = await autoconfigured(true);
    expect(addresses.filter((text) => text.startsWith("2001:"))).toEqual(["2001:db8:7::ff:fe00:9"]);
  });

  test("what is written: other prefixes, an MTU", async () => {
    const { addresses, mtu } = await autoconfigured({ prefixes: ["2001:db8:8::/64"], mtu: 1400, interval: "4s" });
    expect(addresses.filter((text) => text.startsWith("2001:"))).toEqual(["2001:db8:8::ff:fe00:9"]);
    expect(mtu).toBe(1400);
  });

  test.each([undefined, false])("%s: none", async (advertise) => {
    const { addresses } = await autoconfigured(advertise);
    expect(addresses.filter((text) => text.startsWith("2001:"))).toEqual([]);
  });
});
