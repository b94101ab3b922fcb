/** The kernel's names of what the engine calls in camelCase: `sndCwnd` is `tcpi_snd_cwnd`. */
export function kernelNames(info: object): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [name, value] of Object.entries(info) as [string, unknown][]) {
    if (typeof value !== "number" && typeof value !== "boolean") continue;
    const bare = name.replace(/^tcpi_?/, "");
    const snake = bare.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, "");
    named[`tcpi_${snake}`] = Number(value);
  }
  return named;
}

/** Numbers of states in `tcpi_state` (include/net/tcp_states.h). */
export const TCP_STATES: Readonly<Record<string, number>> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
};

/** What BSD's sockstat and netstat call a state of the kernel. */
export const BSD_STATES: Readonly<Record<string, string>> = {
  ESTABLISHED: "ESTABLISHED",
  SYN_SENT: "SYN_SENT",
  SYN_RECV: "SYN_RCVD",
  NEW_SYN_RECV: "SYN_RCVD",
  FIN_WAIT1: "FIN_WAIT_1",
  FIN_WAIT2: "FIN_WAIT_2",
  TIME_WAIT: "TIME_WAIT",
  CLOSE: "CLOSED",
  CLOSE_WAIT: "CLOSE_WAIT",
  LAST_ACK: "LAST_ACK",
  LISTEN: "LISTEN",
  CLOSING: "CLOSING",
};
