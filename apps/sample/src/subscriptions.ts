import { UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import type { ResolvedPolicy } from 'nestjs-redis-rate-limit';
import { apiKeyOf } from './plans.js';

/** Stands for the table of your customers: exports a month, and where and when they subscribed. */
const subscriptions = new Map([
  ['free-key', { exports: 100, since: '2026-01-31', timeZone: 'Europe/Berlin' }],
  ['pro-key', { exports: 1_000, since: '2025-06-15', timeZone: 'America/New_York' }],
]);

/** For `resolve`: each customer's month begins at midnight of the day on which they subscribed, in their time zone. */
export async function subscriptionOf(context: ExecutionContext): Promise<ResolvedPolicy | undefined> {
  const apiKey = apiKeyOf(context);
  if (apiKey === undefined) return undefined;
  const row = await find(apiKey);
  if (!row) throw new UnauthorizedException('This API key is unknown.');
  return { limit: row.exports, window: { calendar: 'month', timeZone: row.timeZone, anchor: row.since } };
}

/** Stands for a query. */
const find = async (apiKey: string) => subscriptions.get(apiKey);
