import { describe, expect, test } from "vitest";
import { applyOverride } from "@seville/scenario";

const SCENARIO = {
  name: "x",
  links: { wan: { delay: "5ms", from: { "r1:eth0": { rate: "1mbit" } } } },
  hosts: { r1: { interfaces: { "eth0.10": {} } } },
  timeline: [{ at: "1s" }, { at: "2s" }],
};

describe("O1: --set path=value changes one value", () => {
  test.each([
    ["links.wan.loss=2%", ["links", "wan", "loss"], "2%"],
    ["seed=7", ["seed"], 7],
    ["realtime=true", ["realtime"], true],
    ["timeline[1].at=3s", ["timeline", 1, "at"], "3s"],
    ['hosts.r1.interfaces["eth0.10"].mtu=1400', ["hosts", "r1", "interfaces", "eth0.10", "mtu"], 1400],
    ['links.wan.from["r1:eth0"].rate=2mbit', ["links", "wan", "from", "r1:eth0", "rate"], "2mbit"],
    ["links.wan.queue={fifo: {limit: 10p}}", ["links", "wan", "queue", "fifo", "limit"], "10p"],
    ["hosts.r1.sysctls.x=a=b", ["hosts", "r1", "sysctls", "x"], "a=b"],
  ])("%s", (assignment, path, value) => {
    let node: unknown = applyOverride(SCENARIO, assignment);
    for (const key of path) node = (node as Record<string | number, unknown>)[key];
    expect(node).toEqual(value);
  });

  test("an empty value takes the key away", () => {
    expect(applyOverride(SCENARIO, "links.wan.delay=")).toEqual({
      ...SCENARIO,
      links: { wan: { from: SCENARIO.links.wan.from } },
    });
  });

  test("the scenario that was given is left as it is", () => {
    const before = structuredClone(SCENARIO);
    applyOverride(SCENARIO, "links.wan.delay=9ms");
    expect(SCENARIO).toEqual(before);
  });

  test.each([
    ["nothing", /path=value/],
    ["=5", /path=value/],
    ["name.first=x", /leads through name/],
    ["links..wan=1", /cannot be read/],
    ["links[wan]=1", /cannot be read/],
    ["seed={a", /no YAML value/],
    ["__proto__.x=1", /no key of a scenario/],
  ])("%s is refused", (assignment, says) => {
    expect(() => applyOverride(SCENARIO, assignment)).toThrow(says);
  });
});
