import { describe, expect, test } from "vitest";
import { DROP_REASONS, invalidArgument, SevilleError, unsupported } from "../src/index.ts";

describe("E1: the caller's mistake is a SevilleError that names the argument", () => {
  test("E1: code, argument, message and cause", () => {
    const cause = new Error("why");
    const error = new SevilleError("EADDRINUSE", "port 80 is taken", "port", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "SevilleError",
      code: "EADDRINUSE",
      argument: "port",
      message: "port 80 is taken",
      cause,
    });
  });

  test.each([
    ["text", 'received "text"'],
    [12n, "received 12n"],
    [NaN, "received NaN"],
    [null, "received null"],
    [undefined, "received undefined"],
    [[1], "received an array"],
    [{}, "received an object"],
    [() => 1, "received a function"],
    [Symbol("s"), "received Symbol(s)"],
  ])("E1: what was received is described: %s", (received, text) => {
    const error = invalidArgument("mtu", "a whole number from 68 to 65535", received);
    expect(error.message).toBe(`mtu must be a whole number from 68 to 65535; ${text}`);
    expect([error.code, error.argument]).toEqual(["ERR_INVALID_ARGUMENT", "mtu"]);
  });
});

describe("E2: what is left out says so", () => {
  test("E2: unsupported names the feature and hints at what helps", () => {
    expect(unsupported("multicast routing")).toMatchObject({
      code: "ERR_UNSUPPORTED",
      argument: "multicast routing",
      message: "multicast routing is not supported",
    });
    expect(unsupported("TSO", "use GSO").message).toBe("TSO is not supported: use GSO");
  });
});

describe("D1: drop reasons are a closed union", () => {
  test("D1: each stands there once, as the kernel writes its names", () => {
    expect(new Set(DROP_REASONS).size).toBe(DROP_REASONS.length);
    for (const reason of DROP_REASONS) expect(reason).toMatch(/^[A-Z][A-Z0-9_]*[A-Z0-9]$/);
  });

  test("D1: every discipline of @seville/queueing finds its reason", () => {
    expect(DROP_REASONS).toEqual(
      expect.arrayContaining(["QDISC_OVERLIMIT", "CODEL_DROP", "FQ_CODEL_DROP", "RED_DROP", "POLICER", "PKT_TOO_BIG"]),
    );
  });
});
