import type { WebSocket } from 'ws';
import type { Viewer } from '../../access/viewer.ts';
import { createPlaces } from '../places.ts';

export interface SocketDoor {
  /** Registers a new, unauthenticated socket. */
  enter(socket: WebSocket): void;
  /** Gives an authenticated socket its place. Without a free place the socket is closed, and the result is false. */
  seat(socket: WebSocket, viewer: Viewer): boolean;
}

/** RFC 6455: "Try Again Later", in IANA's registry of close codes. */
const tryAgainLater = 1013;

/** Counts unauthenticated sockets separately, so that they take no place of authenticated ones. */
export function createSocketDoor(limits: {
  readonly sockets: number;
  readonly socketsPerCaller: number;
  readonly newSockets: number;
}): SocketDoor {
  const places = createPlaces({ all: limits.sockets, each: limits.socketsPerCaller });
  // In the order of arrival.
  const waiting = new Set<WebSocket>();
  return {
    enter(socket) {
      waiting.add(socket);
      socket.once('close', () => waiting.delete(socket));
      const [oldest] = waiting;
      if (waiting.size > limits.newSockets) {
        oldest?.terminate();
        if (oldest !== undefined) waiting.delete(oldest);
      }
    },
    seat(socket, viewer) {
      waiting.delete(socket);
      const leave = places.take(viewer);
      if (leave === undefined) {
        socket.close(tryAgainLater, 'Too many sockets are open');
        return false;
      }
      socket.once('close', leave);
      if (socket.readyState !== socket.OPEN) leave();
      return true;
    },
  };
}
