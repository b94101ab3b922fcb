import { mkdirSync, readdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { PeerError, UML_PACKAGE } from "../settings.ts";
import { run, say, succeeds } from "./shell.ts";

const TOOLS = ["apt-get", "apt-cache", "dpkg-deb", "tar", "xz"];

/** Why this machine cannot build guests, or `undefined`. */
export function hostFault(): string | undefined {
  if (process.platform !== "linux") return `needs a Debian system on amd64, this is ${process.platform}`;
  if (!succeeds("sh", ["-c", '[ "$(dpkg --print-architecture)" = amd64 ]'])) return "needs a Debian system on amd64";
  const absent = TOOLS.filter((tool) => !succeeds("sh", ["-c", `command -v ${tool}`]));
  return absent.length === 0 ? undefined : `needs the programs ${absent.join(", ")}`;
}

/** Makes sure that the package lists are there. */
export function preparePackageLists(): void {
  if (succeeds("apt-cache", ["show", UML_PACKAGE])) return;
  if (process.getuid?.() !== 0) throw new PeerError("there are no package lists: run apt-get update as root first");
  say("apt-get update");
  run("apt-get", ["-qq", "update"]);
}

/** Downloads `names` with all that they depend on, and returns the paths of the packages. Installs nothing. */
export function downloadAll(directory: string, names: readonly string[]): string[] {
  mkdirSync(join(directory, "partial"), { recursive: true });
  run("apt-get", [...privateState(directory), "--download-only", "install", ...names]);
  return packagesIn(directory);
}

/** Downloads the package `name` alone and returns its path. */
export function downloadOne(directory: string, name: string): string {
  mkdirSync(directory, { recursive: true });
  run("apt-get", [...privateState(directory), "download", name], { cwd: directory });
  const [path] = packagesIn(directory);
  if (path === undefined) throw new PeerError(`the package ${name} was not downloaded`);
  return path;
}

/** Unpacks a package, or the parts of it that match `patterns`. Directories may be links there (/bin is one to usr/bin). */
export function unpack(packagePath: string, directory: string, patterns: readonly string[] = []): void {
  const archive = run("dpkg-deb", ["--fsys-tarfile", packagePath]);
  const selection = patterns.length === 0 ? [] : ["--wildcards", ...patterns];
  const args = ["-x", "-C", directory, "--no-same-owner", "--keep-directory-symlink", ...selection];
  run("tar", args, { input: archive });
}

/** Which packages `name` wants, straight: `linux-image-amd64` is empty and names the newest kernel. */
export function dependenciesOf(name: string): string[] {
  const lines = run("apt-cache", ["depends", name]).toString().split("\n");
  return lines.flatMap((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1] ?? []);
}

/** With a package state of our own, apt-get takes nothing for installed (so it brings every dependency) and needs no privilege. */
function privateState(archives: string): string[] {
  const options = [
    "Dir::State::status=/dev/null",
    `Dir::Cache::archives=${archives}`,
    "Debug::NoLocking=1",
    `APT::Sandbox::User=${userInfo().username}`,
  ];
  return ["-qq", "-y", "--no-install-recommends", ...options.flatMap((option) => ["-o", option])];
}

function packagesIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(".deb"));
  return names.map((name) => join(directory, name));
}
