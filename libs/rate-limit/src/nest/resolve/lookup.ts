import type { ExecutionContext } from '@nestjs/common';
import { after, isPromise } from '../../core/after.js';
import { shown } from '../../core/shown.js';
import { RateLimitError } from '../../core/errors.js';
import type { Policy } from '../../core/policy.js';
import { textOf } from '../../engine/identity/key-text.js';
import { keptKey } from '../../stores/long-key.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import type { KeyResolver, Partition } from '../keys/key-resolver.js';
import type { Call } from '../request/call.js';
import type { IdentityWatch } from '../request/identity-watch.js';
import { KeptResolutions } from './kept-resolutions.js';
import { ResolveInTime, type ResolveSettings } from './resolve-in-time.js';
import type { Resolution } from './resolution.js';

/** In milliseconds: how long a key is not looked up again after a failure. */
const PAUSE = 1_000;

/** The same, and which answers are kept. */
export interface LookupSettings extends ResolveSettings {
  /** By what answers are kept, for so many milliseconds, and so many of them. */
  readonly cache: { readonly by: KeyResolver; readonly span: number; readonly max: number } | undefined;
}

/**
 * A policy that `resolve` looks up, with one call for each request, or one call for all requests with the same key
 * while the answer is valid. A lookup that fails or takes too long falls back to the policy's own numbers.
 */
export class Lookup implements PolicySource<Call> {
  readonly varies = 'all';
  private readonly asked: ResolveInTime;
  private readonly remembered: KeptResolutions | undefined;
  private readonly underWay = new Map<string, Promise<Resolution>>();
  private readonly now: () => number;
  private lookups = 0;

  /**
   * @param variants the policy with its own numbers, and with other numbers
   */
  constructor(
    variants: PolicyVariants,
    private readonly settings: LookupSettings,
  ) {
    const { cache, now = () => performance.now() } = settings;
    this.asked = new ResolveInTime(variants, settings);
    this.remembered = cache && new KeptResolutions(cache.max);
    this.now = now;
  }

  /** The key that answers are kept by, if they are kept. */
  get by(): KeyResolver | undefined {
    return this.settings.cache?.by;
  }

  /**
   * The key of a rule of this policy: that of the lookup, otherwise that of the rule's own resolver. This is the first
   * step of a call; {@link for} and {@link costOf} use its outcome.
   *
   * @throws HttpException of `resolve`: it is for the client
   * @throws RateLimitError `RL_KEY_INVALID`
   */
  keyOf(call: Call, own: KeyResolver): Partition | Promise<Partition> {
    const { context, request, settings, attempt } = call;
    return after(this.by?.(context, request, settings.keys), (by) => {
      if (attempt?.hasRead) return undefined;
      return after(this.find(context, by, attempt), (resolution) => {
        if (attempt?.hasRead) return undefined;
        call.keep(this, resolution);
        // The same function is not called twice, because it may be slow.
        return resolution.key ?? (own === this.by ? by : own(context, request, settings.keys));
      });
    });
  }

  for(call: Call): Policy {
    return this.of(call).policy;
  }

  /** The cost that the lookup found; `undefined`: the rule's own cost applies. */
  costOf(call: Call): number | undefined {
    return this.of(call).cost;
  }

  private of(call: Call): Resolution {
    return call.kept(this) as Resolution;
  }

  /** The policy with its own numbers. */
  get own(): Policy {
    return this.asked.own.policy;
  }

  /**
   * The policy, key and cost for a request. A promise only if they must be looked up.
   *
   * @param by the request's key in the cache
   * @param attempt the attempt that the call belongs to. If it is discarded, the answer is not used and not kept
   * @throws HttpException of `resolve`: it is for the client
   * @throws RateLimitError `RL_KEY_INVALID`
   */
  find(context: ExecutionContext, by: Partition, attempt?: IdentityWatch): Resolution | Promise<Resolution> {
    const { remembered } = this;
    const { cache } = this.settings;
    if (!remembered || !cache || by === undefined || by === null) {
      return this.asked.ask({ context, attempt, keep: () => {} });
    }
    const key = this.cacheKeyOf(by);
    const askedAt = this.now();
    const known = remembered.find(key, askedAt);
    if (known) return known;

    const ask = () => {
      const lookup = ++this.lookups;
      return this.asked.ask({
        context,
        attempt,
        keep: (resolution, isAnswer) => {
          const now = this.now();
          // Counted from the call, so that changes are seen in time even if the answer was slow.
          const until = isAnswer ? askedAt + cache.span : now + Math.min(PAUSE, cache.span);
          remembered.keep(key, { resolution, lookup, until }, now);
        },
      });
    };
    const underWay = this.underWay.get(key);
    if (underWay) return underWay.then((resolution) => (resolution === this.asked.discarded ? ask() : resolution));
    const answer = ask();
    if (isPromise(answer)) {
      this.underWay.set(key, answer);
      const done = () => this.underWay.delete(key);
      answer.then(done, done);
    }
    return answer;
  }

  private cacheKeyOf(by: NonNullable<Partition>): string {
    const text = textOf(by);
    if (text !== undefined) return keptKey(text);
    throw new RateLimitError(
      'RL_KEY_INVALID',
      `${this.own.name}: a key of resolveCache.by must be text, a number or an id, got ${shown(by)}`,
    );
  }
}
