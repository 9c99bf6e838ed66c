import type { ExecutionContext } from '@nestjs/common';
import type { Identity } from '../../engine/identity/key-text.js';
import type { RateLimitRequest } from '../request/request.js';
import type { KeySettings } from './key-settings.js';

/**
 * When a policy is decided. `early`: before all your guards, so that a flood reaches nothing else. `late`: after all of
 * them, when the user is known.
 */
export type Phase = 'early' | 'late';

/** A resolver that is called without a request, as in `key: byUser()`, returns this. The checks at boot refuse it. */
export class CalledByMistake {
  constructor(readonly name: string) {}
}

/**
 * A key: text, or an id that has a text: a finite number, a bigint, an ObjectId, bytes. `undefined` or `null` if the
 * policy does not apply.
 */
export type Partition = Identity;

/**
 * Returns the key that a request is counted by: any text or an id, or `undefined` if the policy does not apply to it.
 * If it throws, the request ends and nothing is charged. An address behind `ip:` counts as `byIp` counts it.
 */
export interface KeyResolver {
  (context: ExecutionContext, request: RateLimitRequest, settings: KeySettings): Partition | Promise<Partition>;
  /**
   * The phase of policies with this key that set no `phase`. Default: early. If the resolver then reads `request.user`
   * before a guard has set it, that request is decided late.
   */
  readonly phase?: Phase;
  /** The same resolver without the fallback to the address: `undefined` if the request has no such key. */
  readonly own?: KeyResolver;
  /**
   * What its keys begin with, without the colon: `['user', 'ip']`. Code that names a caller by a key without such a
   * beginning then gets an error or a warning. Default: its keys may be any text.
   */
  readonly schemes?: readonly string[];
}
