import type { ConnectionRow } from "../sut/system.ts";
import type { Output } from "./filters.ts";
import type { ShellWorld } from "./run-command.ts";

/** States in which BSD has no socket for a connection: it is an entry of the SYN cache. */
const WITHOUT_SOCKET = new Set(["SYN_RCVD"]);

/** `sockstat [-4|-6] [-P tcp] [-p PORT] [-s]`: one line for each TCP connection, its state last. */
export function sockstat(args: readonly string[], world: ShellWorld): Output {
  const families = [4, 6].filter(
    (family) => args.includes(`-${family}`) || (!args.includes("-4") && !args.includes("-6")),
  );
  const ports = listed(args, "-p").map(Number);
  const rows = world.sut
    .connections()
    .filter(({ family }) => families.includes(family))
    .filter(
      ({ localPort, remotePort }) => ports.length === 0 || ports.includes(localPort) || ports.includes(remotePort),
    );
  return { text: rows.map((row) => `${format(row, world)}\n`).join(""), status: 0 };
}

function format(row: ConnectionRow, { addresses }: ShellWorld): string {
  const owner = WITHOUT_SOCKET.has(row.state) ? "?        ?          ?     ? " : "root     packetdril 1000  3 ";
  const local = `${addresses.localAddress}:${row.localPort}`;
  const remote = row.remotePort === 0 ? "*:*" : `${addresses.remoteAddress}:${row.remotePort}`;
  return `${owner} tcp${row.family}   ${local} ${remote} ${row.state}`;
}

/** `tcpdrop -s STATE` and `tcpdrop -a`. */
export function tcpdrop(args: readonly string[], world: ShellWorld): Output {
  const [state] = listed(args, "-s");
  const dropped = world.sut.drop(state ?? "");
  return { text: `${dropped} dropped\n`, status: 0 };
}

function listed(args: readonly string[], flag: string): string[] {
  const at = args.indexOf(flag);
  return at < 0 ? [] : (args[at + 1] ?? "").split(",").filter((word) => word !== "");
}
