import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The pcapng files of a run, one an interface, written as the run goes on. */
export class CaptureFiles {
  readonly #directory: string;
  readonly #open = new Map<string, { readonly path: string; readonly descriptor: number }>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Creates the file of an interface and returns what writes to it. */
  open(interfaceName: string): (chunk: Uint8Array) => void {
    mkdirSync(this.#directory, { recursive: true });
    const path = join(this.#directory, fileName(interfaceName));
    const descriptor = openSync(path, "w");
    this.#open.set(interfaceName, { path, descriptor });
    return (chunk) => {
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
    };
  }

  path(interfaceName: string): string {
    return this.#open.get(interfaceName)?.path ?? "";
  }

  close(): void {
    for (const { descriptor } of this.#open.values()) closeSync(descriptor);
  }
}

/** `r1:eth0` as `r1-eth0.pcapng`: a colon is no part of a file's name everywhere. */
export function fileName(interfaceName: string): string {
  return `${interfaceName.replace(/[^A-Za-z0-9_.@+-]/g, "-")}.pcapng`;
}
