/** How the command ends. Stable: scripts test them. */
export const EXIT = {
  /** It did what was asked. */
  OK: 0,
  /** Something failed that should not: a bug, or a full disk. */
  FAILURE: 1,
  /** The command line is wrong: an unknown command or option, a value that is none. */
  USAGE: 2,
  /** The scenario (or capture) is wrong or not there. */
  BAD_INPUT: 3,
  /** The machine lacks what the scenario needs: a privilege, a device, an address that is free. */
  UNAVAILABLE: 4,
  /** `verify-determinism` found a difference. */
  DIFFERENT: 5,
  /** Interrupted (128 + SIGINT). What was measured till then has been written. */
  INTERRUPTED: 130,
} as const;
