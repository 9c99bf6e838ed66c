import { httpTransport } from './http.transport.js';
import type { Transport } from './transport.js';

/** The only list of the transports. */
const transports: readonly Transport[] = [httpTransport];

/** The transport of a context type; `undefined`: its calls are not limited. */
export function transportOf(type: string): Transport | undefined {
  for (const transport of transports) if (transport.type === type) return transport;
  return undefined;
}

/** Whether a request can reach a method. */
export const isHandler = (method: object): boolean => transports.some((transport) => transport.handles(method));
