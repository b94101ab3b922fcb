import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isBuilt, paths, PeerError, type Engine, type Settings } from "../settings.ts";
import { hostFault, preparePackageLists } from "./debian.ts";
import { buildQemu } from "./qemu.ts";
import { buildRoot } from "./root.ts";
import { say } from "./shell.ts";
import { buildUml } from "./uml.ts";

/** Downloads and unpacks what guests of `engine` need. Returns at once if that was done before. */
export function build(engine: Engine, settings: Settings): void {
  if (isBuilt(engine, settings)) return;
  const fault = hostFault();
  if (fault !== undefined) throw new PeerError(fault);
  preparePackageLists();
  const where = paths(settings);
  if (!existsSync(where.root)) make(settings, where.root, (target, scratch) => buildRoot(target, scratch, settings));
  make(settings, where[engine], (target, scratch) => {
    const version = engine === "uml" ? buildUml(target, scratch) : buildQemu(target, scratch, where.root, settings);
    writeFileSync(join(target, "version"), `${version}\n`);
    say(`${engine}: Linux ${version} in ${settings.directory}`);
  });
}

/**
 * Fills a directory elsewhere and renames it when it is complete, so that nobody sees half of one. If two build at the
 * same time, the first to end wins.
 */
function make(settings: Settings, path: string, fill: (target: string, scratch: string) => void): void {
  mkdirSync(settings.directory, { recursive: true });
  const scratch = mkdtempSync(join(settings.directory, "new-"));
  try {
    const target = join(scratch, "target");
    mkdirSync(target);
    fill(target, scratch);
    try {
      renameSync(target, path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
