// What the checks ask of the workspace.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every published package: its folder, its manifest, and its entries as `{subpath, file}` of the built output. */
export function publishedPackages() {
  const folder = join(root, "packages");
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const directory = join(folder, name);
      const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
      const entries = Object.entries(manifest.publishConfig?.exports ?? {})
        .filter(([, target]) => typeof target === "object")
        .map(([subpath, target]) => ({ subpath, file: join(directory, target.default) }));
      return { name: manifest.name, directory, manifest, entries };
    })
    .filter(({ manifest }) => manifest.private !== true);
}
