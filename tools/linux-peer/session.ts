import { createInterface } from "node:readline";
import { boot, type BootOptions, type Guest } from "./boot.ts";
import { PeerError } from "./settings.ts";

/** What a command in a guest did. */
export interface CommandResult {
  /** Standard output and standard error, as they came. */
  readonly output: string;
  readonly status: number;
}

/** The guest is no more: no command will run in it. */
export class GuestGone extends PeerError {}

/** A line of the guest's console holds no more. */
const MOST_BYTES = 4095;

/**
 * A guest in which one command after the other is run, by one shell: its variables and background jobs stay.
 *
 * ```ts
 * const guest = await GuestSession.start({ links: ["udp:5101:5102"] });
 * await guest.expect("ip addr add 10.0.0.1/24 dev eth0 && ip link set eth0 up");
 * await guest.close();
 * ```
 */
export class GuestSession {
  readonly #guest: Guest;
  readonly #lines: AsyncIterator<string>;
  #count = 0;
  #busy = false;
  #gone = false;

  private constructor(guest: Guest) {
    this.#guest = guest;
    if (guest.stdout === undefined) throw new PeerError("an interactive guest has no session");
    this.#lines = createInterface({ input: guest.stdout })[Symbol.asyncIterator]();
  }

  /** Boots a guest and waits until its shell answers. */
  static async start(options: Omit<BootOptions, "command" | "script" | "stdin"> = {}): Promise<GuestSession> {
    const guest = boot({ ...options, stdin: true, command: ["bash"] });
    await guest.ready;
    const session = new GuestSession(guest);
    await session.run("true", 30_000);
    return session;
  }

  /**
   * Runs `command` (shell, no here-documents that end with it) to its end.
   * @throws PeerError if the guest ended, or after `timeoutMs`: then the guest is killed, for its shell is lost
   */
  async run(command: string, timeoutMs = 30_000): Promise<CommandResult> {
    if (this.#gone) throw new GuestGone("the guest is gone");
    if (this.#busy) throw new PeerError("a session runs one command at a time");
    const mark = `--${++this.#count}--`;
    const line = `{ ${command}\n} 2>&1; echo "${mark}$?"\n`;
    for (const part of line.split("\n")) {
      if (Buffer.byteLength(part) >= MOST_BYTES)
        throw new PeerError("a line of the console holds 4095 bytes: share a file");
    }
    this.#busy = true;
    const timer = setTimeout(() => this.#guest.kill(), timeoutMs);
    this.#guest.stdin?.write(line);
    try {
      return await this.#readUntil(mark, command);
    } finally {
      clearTimeout(timer);
      this.#busy = false;
    }
  }

  /** {@link GuestSession.run}, and its output; a status other than 0 is an error. */
  async expect(command: string, timeoutMs?: number): Promise<string> {
    const { output, status } = await this.run(command, timeoutMs);
    if (status !== 0) throw new PeerError(`in the guest, ${command} ended with status ${status}:\n${output}`);
    return output;
  }

  /** Ends the shell, and with it the guest. */
  async close(): Promise<void> {
    this.#guest.stdin?.write("exit 0\n");
    const timer = setTimeout(() => this.#guest.kill(), 5000);
    await this.#guest.ended;
    clearTimeout(timer);
  }

  async #readUntil(mark: string, command: string): Promise<CommandResult> {
    const output: string[] = [];
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true) {
        this.#gone = true;
        const { complaint } = await this.#guest.ended;
        throw new PeerError(
          `the guest ended during ${command}: ${complaint ?? "it was told to"}\n${output.join("\n")}`,
        );
      }
      const line = next.value.replace(/\r$/, "");
      const at = line.lastIndexOf(mark);
      // Output need not end with a newline: then the mark stands behind it.
      if (at < 0 || !/^\d+$/.test(line.slice(at + mark.length))) {
        output.push(line);
        continue;
      }
      if (at > 0) output.push(line.slice(0, at));
      return { output: output.join("\n"), status: Number(line.slice(at + mark.length)) };
    }
  }
}
