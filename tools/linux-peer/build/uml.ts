import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { UML_PACKAGE } from "../settings.ts";
import { downloadOne, unpack } from "./debian.ts";
import { say } from "./shell.ts";

/** Fills `target` with the User-mode Linux kernel: `linux`, `config`, `modules/VERSION/`. Returns the version. */
export function buildUml(target: string, scratch: string): string {
  say(`kernel for User-mode Linux: ${UML_PACKAGE}`);
  const unpacked = join(scratch, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  unpack(downloadOne(join(scratch, "deb"), UML_PACKAGE), unpacked);
  renameSync(join(unpacked, "usr/bin/linux.uml"), join(target, "linux"));
  renameSync(join(unpacked, "usr/lib/uml/modules"), join(target, "modules"));
  const config = readFileSync(join(unpacked, "usr/share/doc/user-mode-linux/config.gz"));
  writeFileSync(join(target, "config"), gunzipSync(config));
  return readdirSync(join(target, "modules"))[0] ?? "?";
}
