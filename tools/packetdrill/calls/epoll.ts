import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, type SutSocket } from "../sut/system.ts";

export const EPOLLONESHOT: number = 1 << 30;
/** Bit 31, as an unsigned number. */
export const EPOLLET: number = 2 ** 31;

interface Watched {
  readonly fd: number;
  readonly socket: SutSocket;
  events: number;
  edge: boolean;
  oneShot: boolean;
  /** What was there when it was last looked at: the bits, and how much there was to read. */
  seen: number;
  unread: number;
  /** Edges that were not reported yet. */
  pending: number;
}

export interface EpollEvent {
  readonly fd: number;
  readonly events: number;
}

/** An epoll instance (fs/eventpoll.c): level and edge triggered. */
export class Epoll {
  readonly #watched: Map<number, Watched> = new Map();

  has(fd: number): boolean {
    return this.#watched.has(fd);
  }

  /** EPOLL_CTL_ADD and EPOLL_CTL_MOD: what is there at that moment counts as an edge. */
  watch(fd: number, socket: SutSocket, events: number): void {
    const edge = events >= EPOLLET;
    const bits = edge ? events - EPOLLET : events;
    const mask = (bits & ~EPOLLONESHOT) | POLLERR | POLLHUP;
    const seen = socket.poll();
    this.#watched.set(fd, {
      fd,
      socket,
      events: mask,
      edge,
      oneShot: (bits & EPOLLONESHOT) !== 0,
      seen,
      unread: unread(socket, seen),
      pending: seen & mask,
    });
  }

  forget(fd: number): void {
    this.#watched.delete(fd);
  }

  /** Looks for edges: to be called after everything that may have made one. */
  observe(): void {
    for (const entry of this.#watched.values()) {
      const now = entry.socket.poll();
      const count = unread(entry.socket, now);
      let risen = now & ~entry.seen;
      if ((now & POLLIN) !== 0 && count > entry.unread) risen |= POLLIN;
      // A wakeup for one reason reports all that is there (ep_send_events_proc).
      if ((risen & entry.events) !== 0) entry.pending |= now & entry.events;
      entry.seen = now;
      entry.unread = count;
    }
  }

  /** At most `maximum` events, in the order in which their descriptors were added. */
  take(maximum: number): EpollEvent[] {
    this.observe();
    const events: EpollEvent[] = [];
    for (const entry of this.#watched.values()) {
      if (events.length === maximum) break;
      const mask = entry.edge ? entry.pending & entry.seen & entry.events : entry.seen & entry.events;
      if (mask === 0) continue;
      events.push({ fd: entry.fd, events: mask });
      entry.pending = 0;
      if (entry.oneShot) entry.events = 0;
    }
    return events;
  }
}

/** Bytes to read: a new edge of POLLIN is more of them, not the bit alone. */
function unread(socket: SutSocket, mask: number): number {
  return (mask & POLLIN) === 0 ? 0 : socket.ioctl("SIOCINQ");
}

/** The bits that may be watched. */
export const EPOLL_MASK: number = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLRDHUP;
