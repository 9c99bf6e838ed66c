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
 * By the client's address (the default): IPv4 whole, also inside an IPv6 address (mapped, or of the NAT64 prefix of
 * RFC 6052), other IPv6 by its first 64 bits (`keys.ipv6Prefix`). The address is the framework's own, so behind a proxy
 * set Express' `trust proxy` to the number of hops, or Fastify's `trustProxy` to their addresses.
 *
 * A request without an address shares one quota with all others, or is refused (`keys.withoutAddress`).
 */
export const byIp: KeyResolver = named('byIp', Object.assign(byAddress, { phase: 'early' as const, schemes: ['ip'] }));
