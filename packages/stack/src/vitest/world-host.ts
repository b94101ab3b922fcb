import type { Host } from "../host/host.ts";
import { joinPrograms, netOf, runOn, type HostNet } from "../node/host-net.ts";
import type { World } from "./world.ts";

/** A host of a {@link World}. */
export class WorldHost {
  readonly host: Host;
  /** Counts its Ethernet interfaces. */
  interfaces = 0;
  readonly #world: World;
  #net: HostNet | undefined;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.host = host;
    joinPrograms(host, world.programs);
  }

  get name(): string {
    return this.host.name;
  }

  /** `node:net` on this host, for code that is given its network. */
  get net(): HostNet {
    return (this.#net ??= netOf(this.host));
  }

  /** Runs a program here and lets the world's time pass until it has settled. */
  run<Result>(program: () => Promise<Result> | Result): Promise<Result> {
    return this.#world.run(() => runOn(this.host, program));
  }

  /** Starts a program here; it goes on with the world's time. */
  start<Result>(program: () => Result): Result {
    return runOn(this.host, program);
  }
}
