import { join } from "node:path";
import { linkArguments, type GuestLink } from "./links.ts";
import { paths, type Engine, type Settings } from "./settings.ts";

export interface EngineOptions {
  readonly engine: Engine;
  readonly settings: Settings;
  /** Directory of this guest: `peer/` is shared with its init, `uml/` is User-mode Linux's own. */
  readonly run: string;
  readonly share: string | undefined;
  readonly links: readonly GuestLink[];
  readonly memoryMib: number;
  readonly kvm: boolean;
  readonly verbose: boolean;
}

/** The command line that starts the guest's kernel. */
export function engineCommand(options: EngineOptions): string[] {
  const links = options.links.flatMap((link, index) => linkArguments(options.engine, link, index));
  return options.engine === "uml" ? umlCommand(options, links) : qemuCommand(options, links);
}

function loudness(verbose: boolean): string[] {
  return verbose ? ["loglevel=7"] : ["quiet", "loglevel=1"];
}

function umlCommand(options: EngineOptions, links: readonly string[]): string[] {
  const { root, uml } = paths(options.settings);
  return [
    join(uml, "linux"),
    `mem=${options.memoryMib}M`,
    "root=/dev/root",
    "rootfstype=hostfs",
    `rootflags=${root}`,
    "ro",
    "init=/init",
    `uml_dir=${options.run}/uml`,
    "umid=guest",
    "noreboot",
    "panic=-1",
    "con=null",
    "con0=fd:0,fd:1",
    "ssl=null",
    `peer.run=${options.run}/peer`,
    `peer.modules=${uml}/modules`,
    ...(options.share === undefined ? [] : [`peer.share=${options.share}`]),
    ...loudness(options.verbose),
    ...links,
  ];
}

function qemuCommand(options: EngineOptions, links: readonly string[]): string[] {
  const { root, qemu } = paths(options.settings);
  const { share, run } = options;
  const kernel = [
    ...["console=ttyS0", "panic=-1", "tsc=reliable", "mitigations=off", "nokaslr", "no_timer_check"],
    ...["random.trust_cpu=on", "peer.run=peer", "peer.modules=modules"],
    ...(share === undefined ? [] : ["peer.share=share"]),
    ...loudness(options.verbose),
  ];
  return [
    "qemu-system-x86_64",
    ...["-M", "pc,usb=off", "-m", String(options.memoryMib)],
    ...(options.kvm ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg", "-cpu", "max"]),
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ...["-kernel", join(qemu, "vmlinux"), "-initrd", join(qemu, "initramfs.cpio"), "-append", kernel.join(" ")],
    ...serve("root", root, "readonly=on"),
    ...serve("modules", join(qemu, "modules"), "readonly=on"),
    ...serve("peer", join(run, "peer")),
    ...(share === undefined ? [] : serve("share", share)),
    ...links,
  ];
}

/** A directory of the host as a 9P file system on virtio. */
function serve(tag: string, path: string, more?: string): string[] {
  const suffix = more === undefined ? "" : `,${more}`;
  return [
    "-fsdev",
    `local,id=${tag},path=${path},security_model=none${suffix}`,
    "-device",
    `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`,
  ];
}
