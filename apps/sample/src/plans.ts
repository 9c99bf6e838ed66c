import { UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import type { ResolvedPolicy } from 'nestjs-redis-rate-limit';

/** Stands for the table of your customers: the plan that an API key has, in requests a minute. */
const plans = new Map([
  ['free-key', { plan: 'free', limit: 10 }],
  ['pro-key', { plan: 'pro', limit: 50 }],
]);

/** One answer of `planOf` holds for all requests with this key. */
export const apiKeyOf = (context: ExecutionContext): string | undefined =>
  context.switchToHttp().getRequest<{ headers: { 'x-api-key'?: string } }>().headers['x-api-key']?.trim() || undefined;

/** For `resolve`: without a key the policy's own numbers hold, and one that nobody was given is refused. */
export async function planOf(context: ExecutionContext): Promise<ResolvedPolicy | undefined> {
  const apiKey = apiKeyOf(context);
  if (apiKey === undefined) return undefined;
  const row = await find(apiKey);
  if (!row) throw new UnauthorizedException('This API key is unknown.');
  return { limit: row.limit };
}

/** Stands for a query. */
const find = async (apiKey: string) => plans.get(apiKey);
