import type { ExecutionContext } from '@nestjs/common';
import type { Identity } from '../../engine/identity/key-text.js';
import type { RateLimitRequest } from '../request/request.js';
import type { KeySettings } from './key-settings.js';

/**
 * When a policy is decided: `early`, before any guard of yours, so that a flood meets nothing else first; or `late`,
 * after all of them, when it is known who asks.
 */
export type Phase = 'early' | 'late';

/** What a resolver answers that is called without a request, as in `key: byUser()`. It is refused at boot, with the place. */
export class CalledByMistake {
  constructor(readonly name: string) {}
}

/**
 * Text, or an id that stands for it: a finite number, a bigint, an ObjectId, bytes. `undefined` or `null` when the policy
 * does not apply.
 */
export type Partition = Identity;

/**
 * Says which partition of a policy's quota a request spends: any text, and `undefined` when the policy does not apply
 * to it. What it throws ends the request, and charges nothing. An address behind `ip:` is read as `byIp` reads it.
 */
export interface KeyResolver {
  (context: ExecutionContext, request: RateLimitRequest, settings: KeySettings): Partition | Promise<Partition>;
  /**
   * When its policies are decided, unless they say so themselves. Default: early, unless it reads who the caller is before
   * a guard has said so; then that request's decision is late.
   */
  readonly phase?: Phase;
  /** The same without falling back on the address: `undefined` when the request does not say. */
  readonly own?: KeyResolver;
  /**
   * What its keys begin with, without the colon: `['user', 'ip']`. Code that names a caller by a key without such a
   * beginning is then told so. Default: its keys may be any text.
   */
  readonly schemes?: readonly string[];
}
