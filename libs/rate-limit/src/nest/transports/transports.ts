import { httpTransport } from './http.transport.js';
import type { HandlerPlace, Transport } from './transport.js';

/** The only list of the transports. */
export const transports: Transport[] = [httpTransport];

/** The transport of a context type; `undefined`: its calls are not limited. */
export function transportOf(type: string): Transport | undefined {
  for (const transport of transports) if (transport.type === type) return transport;
  return undefined;
}

/** Whether a request can reach a method of a class in that place. */
export const isHandler = (method: object, place: HandlerPlace): boolean =>
  transports.some(({ handlersIn, handles }) => handlersIn === place && handles(method));
