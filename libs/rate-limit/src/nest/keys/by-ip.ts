import { ForbiddenException } from '@nestjs/common';
import { clientOf } from '../../engine/identity/address.js';
import { named } from './key-name.js';
import { CalledByMistake, type KeyResolver } from './key-resolver.js';

const byAddress: KeyResolver = (_context, request, settings) => {
  if (!request) return new CalledByMistake('byIp') as never;
  settings.watchProxies(request);
  const client = clientOf(request.ip, settings.ipv6Prefix);
  if (client === undefined && settings.withoutAddress === 'refuse') {
    throw new ForbiddenException('The address of the client is not known.');
  }
  return `ip:${client ?? 'none'}`;
};

/**
 * Counts by the client's address (the default): all of an IPv4 address, also inside an IPv6 address (mapped, or with
 * the NAT64 prefix of RFC 6052), and the first 64 bits of other IPv6 addresses (`keys.ipv6Prefix`). The address is the
 * framework's, so behind a proxy set Express' `trust proxy` to the number of hops, or Fastify's `trustProxy` to their
 * addresses.
 *
 * All requests without an address share one quota, or are refused (`keys.withoutAddress`).
 */
export const byIp: KeyResolver = named('byIp', Object.assign(byAddress, { phase: 'early' as const, schemes: ['ip'] }));
