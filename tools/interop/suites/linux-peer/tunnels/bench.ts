import { complaints, framesIn } from "./shark.ts";
import { startSite, stopSite, PORTS_PER_SITE, type Site } from "./site.ts";
import { lower, raise, type LiveTunnel } from "./tunnel.ts";
import { build } from "../../../../linux-peer/build/build.ts";
import { isBuilt, PeerError, readSettings, type Engine } from "../../../../linux-peer/settings.ts";
import { Skip } from "../../../lib/suite.ts";
import type { TunnelSpec } from "./tunnel-spec.ts";

/** Sites by engine, booted when first needed, and the one tunnel that stands. */
export class TunnelBench {
  readonly #sites = new Map<Engine, Promise<Site>>();
  readonly #base: number;
  readonly #directory: string;
  readonly #say: (line: string) => void;
  #standing: LiveTunnel | undefined = undefined;
  /** Why the last configuration could not be made: its other cases need not try again. */
  #broken: { readonly spec: TunnelSpec; readonly error: unknown } | undefined = undefined;

  constructor(base: number, directory: string, say: (line: string) => void) {
    this.#base = base;
    this.#directory = directory;
    this.#say = say;
  }

  /** The tunnel of `spec`, which takes the place of another. */
  async use(spec: TunnelSpec): Promise<LiveTunnel> {
    if (this.#standing?.spec === spec) return this.#standing;
    if (this.#broken?.spec === spec) throw this.#broken.error;
    await this.#lower();
    try {
      const site = await this.#site(spec.engine);
      this.#standing = await raise(site, spec);
      return this.#standing;
    } catch (error) {
      this.#broken = { spec, error };
      throw error;
    }
  }

  /** What tshark says of all that passed so far between us and the guest of `engine`. */
  async judgement(
    engine: Engine,
  ): Promise<{ readonly wrong: string[]; readonly frames: number; readonly file: string }> {
    const { wire, captures } = await this.#site(engine);
    wire.flush();
    const wrong = [...complaints(captures.finished), ...complaints(captures.unfinished, true)];
    const frames = framesIn(captures.finished) + framesIn(captures.unfinished);
    return { wrong, frames, file: captures.finished };
  }

  /** Ends all guests. Returns the engines whose world did not get all its packets back. */
  async stop(): Promise<string[]> {
    await this.#lower();
    const leaks: string[] = [];
    for (const [engine, site] of this.#sites) {
      const started = await site.catch(() => undefined);
      if (started === undefined) continue;
      const pool = await stopSite(started);
      if (pool.before !== pool.after) leaks.push(`${engine}: ${pool.before} free before, ${pool.after} after`);
    }
    return leaks;
  }

  async #lower(): Promise<void> {
    const standing = this.#standing;
    this.#standing = undefined;
    if (standing !== undefined) await lower(standing);
  }

  #site(engine: Engine): Promise<Site> {
    let site = this.#sites.get(engine);
    if (site === undefined) {
      site = this.#start(engine);
      this.#sites.set(engine, site);
    }
    return site;
  }

  async #start(engine: Engine): Promise<Site> {
    const settings = readSettings();
    try {
      if (!isBuilt(engine, settings)) this.#say(`building the ${engine} guest, once (half a minute) …`);
      build(engine, settings);
    } catch (error) {
      if (error instanceof PeerError) throw new Skip(`the ${engine} guest cannot be had here: ${error.message}`);
      throw error;
    }
    const base = this.#base + (engine === "uml" ? 0 : PORTS_PER_SITE);
    return startSite(engine, base, this.#directory);
  }
}
