import {
  cpSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { HERE, PeerError, type Settings } from "../settings.ts";
import { dependenciesOf, downloadOne, unpack } from "./debian.ts";
import { run, say, succeeds } from "./shell.ts";

/** Directories of modules that are of use to a guest without hardware. */
const WANTED =
  /^kernel\/(net|lib|crypto|arch\/x86\/crypto|drivers\/virtio|drivers\/net\/([^/]+\.ko|bonding|geneve|ipvlan|netdevsim|ovpn|team|vxlan|wireguard|wireless\/(virtual\/)?(mac80211_hwsim|virt_wifi))|fs\/(9p|netfs|fscache|overlayfs))/;
const UNWANTED =
  /^kernel\/net\/(appletalk|atm|ax25|batman-adv|bluetooth|can|ceph|ieee802154|nfc|rds|rxrpc|smc|sunrpc|tipc)\//;
/** What the guest must load to reach its root directory, over 9P on virtio, and its links. */
const FIRST_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "virtio_net"];
const UNPACKED_PARTS = ["arch", "crypto", "lib", "net", "fs", "drivers/net", "drivers/virtio"];

/** Fills `target` with a kernel for QEMU: `vmlinux`, `config`, `modules/VERSION/`, `initramfs.cpio`. Returns the version. */
export function buildQemu(target: string, scratch: string, root: string, settings: Settings): string {
  installQemu();
  const name = kernelPackage(settings);
  say(`kernel for QEMU: ${name}`);
  const unpacked = join(scratch, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  unpack(downloadOne(join(scratch, "deb"), name), unpacked, [
    "./boot",
    "./lib/modules/*/modules.*",
    ...UNPACKED_PARTS.map((part) => `./lib/modules/*/kernel/${part}`),
  ]);
  const version = readdirSync(join(unpacked, "lib/modules"))[0];
  if (version === undefined) throw new PeerError(`${name} has no modules`);
  writeFileSync(join(target, "vmlinux"), extractVmlinux(readFileSync(join(unpacked, `boot/vmlinuz-${version}`))));
  renameSync(join(unpacked, `boot/config-${version}`), join(target, "config"));
  copyModules(join(unpacked, "lib/modules", version), join(target, "modules", version), root);
  buildInitramfs(target, scratch, root, version);
  return version;
}

function installQemu(): void {
  if (succeeds("sh", ["-c", "command -v qemu-system-x86_64"])) return;
  if (process.getuid?.() !== 0) throw new PeerError("needs the Debian package qemu-system-x86");
  say("installing qemu-system-x86");
  const args = ["-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600", "install", "qemu-system-x86"];
  run("apt-get", args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}

function kernelPackage(settings: Settings): string {
  const known = settings.qemuPackages.find((name) => succeeds("apt-cache", ["show", name]));
  if (known === undefined) throw new PeerError(`no such package: ${settings.qemuPackages.join(", ")}`);
  return dependenciesOf(known).find((name) => /^linux-image-\d/.test(name)) ?? known;
}

/**
 * The ELF kernel within a bzImage: booted directly (PVH), it spares the emulated processor the unpacking.
 * Offsets are those of the Linux boot protocol (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length).
 */
export function extractVmlinux(image: Buffer): Buffer {
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  // The last four bytes are the unpacked size, which is not part of the stream.
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  const magic = payload.readUInt32BE(0);
  if (magic === 0xfd377a58) return run("xz", ["-dc"], { input: payload });
  if (magic === 0x28b52ffd) return run("zstd", ["-dc"], { input: payload });
  if (magic >>> 16 === 0x1f8b) return gunzipSync(payload);
  throw new PeerError(`a kernel of unknown compression, beginning with ${magic.toString(16)}`);
}

function copyModules(from: string, to: string, root: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    copyFileSync(join(from, name), join(to, name));
  }
  const modules = (readdirSync(from, { recursive: true }) as string[]).filter(
    (path) => /\.ko(\.xz)?$/.test(path) && WANTED.test(path) && !UNWANTED.test(path),
  );
  for (const path of modules) cpSync(join(from, path), join(to, path), { recursive: true });
  const packed = modules.filter((path) => path.endsWith(".xz")).map((path) => join(to, path));
  for (let i = 0; i < packed.length; i += 200) run("xz", ["-d", ...packed.slice(i, i + 200)]);
  depmod(dirname(to), to, root);
}

/** Runs the guest's own depmod, by the guest's own loader: the host may have none. It wants `lib/modules` below a base. */
function depmod(modulesDirectory: string, to: string, root: string): void {
  const base = join(dirname(modulesDirectory), "depmod");
  mkdirSync(join(base, "lib"), { recursive: true });
  renameSync(modulesDirectory, join(base, "lib/modules"));
  const version = to.slice(modulesDirectory.length + 1);
  const loader = join(root, "usr/lib64/ld-linux-x86-64.so.2");
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  run(loader, ["--argv0", "depmod", "--library-path", libraries, join(root, "usr/bin/kmod"), "-b", base, version]);
  renameSync(join(base, "lib/modules"), modulesDirectory);
}

/** A first root directory that loads the modules and changes over to the real one. */
function buildInitramfs(target: string, scratch: string, root: string, version: string): void {
  const tree = join(scratch, "initramfs");
  for (const directory of ["bin", "dev", "modules", "proc", "root"])
    mkdirSync(join(tree, directory), { recursive: true });
  copyFileSync(join(root, "usr/bin/busybox"), join(tree, "bin/busybox"));
  copyFileSync(join(HERE, "guest", "initramfs-init"), join(tree, "init"));
  chmodSync(join(tree, "init"), 0o755);
  chmodSync(join(tree, "bin/busybox"), 0o755);
  const modules = join(target, "modules", version);
  const dependencies = readFileSync(join(modules, "modules.dep"), "utf8");
  const order = loadOrder(dependencies, FIRST_MODULES);
  for (const path of order) copyFileSync(join(modules, path), join(tree, "modules", baseName(path)));
  writeFileSync(join(tree, "modules/order"), order.map((path) => `${baseName(path)}\n`).join(""));
  const busybox = join(root, "usr/bin/busybox");
  const archive = run("sh", ["-c", `find . | '${busybox}' cpio -o -H newc`], { cwd: tree });
  writeFileSync(join(target, "initramfs.cpio"), archive);
}

/** The modules `names` and what they need, each after what it needs; those that are built in are not in `modules.dep`. */
export function loadOrder(modulesDep: string, names: readonly string[]): string[] {
  const order: string[] = [];
  for (const name of names) {
    const line = modulesDep.split("\n").find((text) => text.split(":")[0]?.endsWith(`/${name}.ko`) === true);
    if (line === undefined) continue;
    const [path, needed] = line.split(":") as [string, string];
    // modules.dep has the deepest dependency last.
    const needs = needed.trim().split(/\s+/).filter(Boolean).reverse();
    for (const module of [...needs, path]) if (!order.includes(module)) order.push(module);
  }
  return order;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
