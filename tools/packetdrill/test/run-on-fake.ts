import { LINUX } from "../profile/linux.ts";
import type { Profile } from "../profile/profile.ts";
import type { Overrides } from "../run/config.ts";
import { runSource, type ScriptReport } from "../run/suite.ts";
import { FakeSystem } from "./fake-system.ts";

export interface FakeRun extends ScriptReport {
  readonly system: FakeSystem;
}

/** Runs a script against the fake TCP. */
export function runOnFake(
  script: string,
  {
    prepare,
    profile = LINUX,
    ...overrides
  }: Overrides & { prepare?: (system: FakeSystem) => void; profile?: Profile } = {},
): FakeRun {
  const system = new FakeSystem();
  prepare?.(system);
  return { ...runSource(script, "test.pkt", profile, () => system, overrides), system };
}

/** A server that has accepted a connection as descriptor 4. */
export const SERVER = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;
