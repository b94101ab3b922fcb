import { writeSync, writevSync } from "node:fs";
import type { Libc } from "../libc/libc.ts";
import { errorCode } from "../port/errors.ts";
import type { FrameRing } from "../port/frame-ring.ts";
import type { TapHandle } from "../tap/tap-handle.ts";
import { TUNSETOFFLOAD } from "../tap/tun-abi.ts";
import type { TapHardware, TapQueue } from "./tap-queues.ts";

/** A real TAP device, for its driver. Interrupts are raised by whoever watches `handle`. */
export function tapHardware(handle: TapHandle, libc: Libc): TapHardware {
  return {
    queues: handle.rings.map((ring, queue) => tapQueue(handle, ring, queue)),
    onInterrupt: () => undefined,
    setOffloads: (mask) => !handle.isClosed && libc.ioctlValue(handle.fd(0), TUNSETOFFLOAD, mask) >= 0,
  };
}

function tapQueue(handle: TapHandle, ring: FrameRing, queue: number): TapQueue {
  const fd = handle.fd(queue);
  return {
    bytes: ring.bytes,
    drain(limit, visit) {
      const count = ring.drain(limit, visit);
      if (count > 0) ring.announceRoom();
      return count;
    },
    unmask: () => ring.prepareToSleep(),
    write(pieces) {
      // Its number may be another file's by now.
      if (handle.isClosed) return "EBADFD";
      try {
        const [only] = pieces;
        if (pieces.length === 1 && only !== undefined) writeSync(fd, only);
        else writevSync(fd, pieces);
        return undefined;
      } catch (error) {
        const code = errorCode(error);
        if (code === undefined) throw error;
        return code;
      }
    },
  };
}
