import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { HERE, type Settings } from "../settings.ts";
import { downloadAll, unpack } from "./debian.ts";
import { run, say } from "./shell.ts";

/** Parts of packages that no guest needs. */
const SUPERFLUOUS = [
  ...["doc", "man", "locale", "info", "i18n", "zoneinfo", "bug", "lintian", "perl", "perl5"].map(
    (d) => `usr/share/${d}`,
  ),
  "usr/include",
  "usr/lib/systemd",
  "usr/lib/x86_64-linux-gnu/gconv",
  "usr/lib/x86_64-linux-gnu/perl-base",
  "var",
];

/** Fills `root` with the guest's root directory; `scratch` is a directory that is removed afterwards. */
export function buildRoot(root: string, scratch: string, settings: Settings): void {
  say(`the guest's root directory: ${settings.packages.join(" ")}`);
  for (const directory of ["usr/bin", "usr/sbin", "usr/lib/modules", "usr/lib64"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  for (const directory of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${directory}`, join(root, directory));
  for (const path of downloadAll(join(scratch, "debs"), settings.packages)) unpack(path, root);
  for (const path of SUPERFLUOUS) rmSync(join(root, path), { recursive: true, force: true });
  for (const directory of ["dev", "proc", "sys", "run", "tmp", "root", "var"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  linkApplets(root);
  finishPackages(root);
  copyFileSync(join(HERE, "guest", "init"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
}

/** BusyBox stands in for every program that no package brought. */
function linkApplets(root: string): void {
  const applets = run(join(root, "usr/bin/busybox"), ["--list"]).toString().trim().split("\n");
  for (const applet of applets) {
    if (existsSync(join(root, "usr/bin", applet)) || existsSync(join(root, "usr/sbin", applet))) continue;
    symlinkSync("busybox", join(root, "usr/bin", applet));
  }
  // BusyBox's shell would run its own `ip` and the like instead of the programs of that name.
  rmSync(join(root, "usr/bin/sh"), { force: true });
  symlinkSync("bash", join(root, "usr/bin/sh"));
}

/** What the packages' scripts would have done, which are not run. */
function finishPackages(root: string): void {
  const firmware = join(root, "usr/lib/firmware");
  for (const name of existsSync(firmware) ? readdirSync(firmware) : []) {
    if (!/^regulatory\.db.*-debian$/.test(name)) continue;
    const plain = join(firmware, name.replace(/-debian$/, ""));
    if (existsSync(plain)) unlinkSync(plain);
    symlinkSync(name, plain);
  }
  const files = {
    "etc/passwd":
      "root:x:0:0:root:/root:/bin/bash\n" +
      "tcpdump:x:100:100::/nonexistent:/usr/sbin/nologin\n" +
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ntcpdump:x:100:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
}
