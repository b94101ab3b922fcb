import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type Engine = "uml" | "qemu";
export const ENGINES: readonly Engine[] = ["uml", "qemu"];

/** A message for whoever ran the tool, without a stack. `boot` ends with status 125 then. */
export class PeerError extends Error {
  override readonly name: string = "PeerError";
}

/** Debian packages that make up the guest's root directory, with all that they depend on. */
const PACKAGES = [
  "bash",
  "busybox-static",
  "ethtool",
  "hostapd",
  "iperf3",
  "iproute2",
  "iputils-ping",
  "iputils-tracepath",
  "iw",
  "kmod",
  "libstdc++6",
  "lksctp-tools",
  "netbase",
  "python3",
  "socat",
  "tcpdump",
  "wireless-regdb",
  "wpasupplicant",
];
export const UML_PACKAGE = "user-mode-linux";
/** The first of them that the package lists know is taken. */
const QEMU_PACKAGES = ["linux-image-6.12-amd64", "linux-image-amd64"];

export const HERE: string = import.meta.dirname;

/** Everything that decides what a build makes. */
export interface Settings {
  /** Directory of this very build: another one whenever something that it depends on changes. */
  readonly directory: string;
  readonly packages: readonly string[];
  readonly qemuPackages: readonly string[];
}

/** Where things are, from the environment: `LINUX_PEER_CACHE`, `XDG_CACHE_HOME`, `LINUX_PEER_PACKAGES`, `LINUX_PEER_QEMU_KERNEL`. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const home = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const cache = env["LINUX_PEER_CACHE"] ?? join(home, "seville", "linux-peer");
  const extra = (env["LINUX_PEER_PACKAGES"] ?? "").split(/\s+/).filter((word) => word !== "");
  const packages = [...PACKAGES, ...extra];
  const kernel = env["LINUX_PEER_QEMU_KERNEL"];
  const qemuPackages = kernel === undefined ? QEMU_PACKAGES : [kernel];
  const hash = createHash("sha256").update(JSON.stringify([packages, UML_PACKAGE, qemuPackages]));
  for (const folder of ["build", "guest"]) {
    for (const file of readdirSync(join(HERE, folder)).sort()) hash.update(readFileSync(join(HERE, folder, file)));
  }
  return { directory: join(cache, hash.digest("hex").slice(0, 16)), packages, qemuPackages };
}

/** The files of a build. A directory there is complete: it is made elsewhere and renamed. */
export function paths(settings: Settings): {
  readonly root: string;
  readonly uml: string;
  readonly qemu: string;
} {
  const { directory } = settings;
  return { root: join(directory, "root"), uml: join(directory, "uml"), qemu: join(directory, "qemu") };
}

export function isBuilt(engine: Engine, settings: Settings): boolean {
  const { root, ...engines } = paths(settings);
  return existsSync(root) && existsSync(engines[engine]);
}
