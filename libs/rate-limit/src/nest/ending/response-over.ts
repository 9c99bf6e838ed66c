import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How a response ended: sent in full, broken off by this process, or broken off by the client. */
export type ResponseEnd = 'sent' | 'broken' | 'disconnected';

/** Calls `over` once, when a response is over. Later, but never at once, if it is over already. */
export function whenOver(response: ServerResponse, over: (end: ResponseEnd) => void): void {
  // Kept, because a response that is over has no socket.
  const socket = socketOf(response);
  let isOver = false;
  const end = (wasSent: boolean): void => {
    if (isOver) return;
    isOver = true;
    stopWatching?.();
    // HTTP/2 reports a response that was aborted as finished, too.
    over(wasSent && !isAborted(response) ? 'sent' : isBroken(response, socket) ? 'broken' : 'disconnected');
  };
  const isSent = (): boolean => response.writableFinished && !socket?.errored;
  const stopWatching = socket && onceClosed(socket, () => end(isSent()));
  if (response.destroyed || response.writableFinished || socket?.destroyed) return queueMicrotask(() => end(isSent()));
  // A response also finishes when its last write fails. Then its socket is destroyed already, before Node itself does that.
  response.prependOnceListener('finish', () => end(!socket?.destroyed));
  response.once('close', () => end(isSent()));
}

/** Whether a client still waits for a response, as far as is known. */
export function isConnected(response: ServerResponse): boolean {
  if (response.destroyed) return false;
  const socket = socketOf(response);
  return socket ? !socket.destroyed && !socket.readableEnded : !isAborted(response);
}

/** HTTP/2 has a stream for each request. Closing the connection closes them all, so its socket need not be watched. */
const socketOf = (response: ServerResponse): Socket | undefined =>
  isHttp2(response) ? undefined : (response.req?.socket ?? undefined);

const isHttp2 = (response: ServerResponse): response is ServerResponse & { stream: { aborted: boolean } } =>
  typeof (response as { stream?: { aborted?: unknown } }).stream?.aborted === 'boolean';

const isAborted = (response: ServerResponse): boolean => isHttp2(response) && response.stream.aborted;

/**
 * Whether this process destroyed the response because of an error. If the client went first, the socket has another
 * error, or has read its end.
 */
const isBroken = ({ errored }: ServerResponse, socket: Socket | undefined): boolean =>
  Boolean(errored) && socket?.errored === errored && !socket.readableEnded;

const closing = new WeakMap<Socket, Set<() => void>>();

/**
 * A response that waits behind others on its connection never closes when the client goes away, but the connection
 * does. It gets one listener, because the client decides how many requests wait there.
 *
 * @returns stops watching
 */
function onceClosed(socket: Socket, closed: () => void): (() => void) | undefined {
  if (typeof socket.once !== 'function') return undefined;
  let waiting = closing.get(socket);
  if (!waiting) {
    closing.set(socket, (waiting = new Set()));
    const all = waiting;
    socket.once('close', () => all.forEach((each) => each()));
  }
  waiting.add(closed);
  return () => waiting.delete(closed);
}
