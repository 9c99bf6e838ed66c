import { HttpException, Logger, type ExecutionContext } from '@nestjs/common';
import { saidBy, shown } from '../../core/shown.js';
import { RateLimitError } from '../../core/errors.js';
import type { Policy } from '../../core/policy.js';
import { textOf } from '../../engine/identity/key-text.js';
import { keptKey } from '../../stores/long-key.js';
import { harmless } from '../../engine/observer/logger.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import { RecurringWarnings } from '../../engine/recurring-warnings.js';
import type { KeyResolver, Partition } from '../keys/key-resolver.js';
import type { Call } from '../request/call.js';
import type { IdentityWatch } from '../request/identity-watch.js';
import { after, isPromise } from '../request/per-request.js';
import { KeptResolutions } from './kept-resolutions.js';
import type { Resolved } from './resolved-policy.js';
import { ResolutionReader, type Resolution } from './resolution.js';

/** In milliseconds: how long a key is not looked up again after a failure. */
const PAUSE = 1_000;

/** The options of a lookup, checked and with their defaults, and hooks for tests. */
export interface LookupSettings {
  readonly resolve: (context: ExecutionContext) => Resolved | Promise<Resolved>;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  /** The key that answers are kept by, how long (in milliseconds), and the most that are kept. */
  readonly cache: { readonly by: KeyResolver; readonly span: number; readonly max: number } | undefined;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Default: to the log. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** A call of `resolve`. */
interface Asking {
  readonly context: ExecutionContext;
  /** The attempt that it belongs to, if any. */
  readonly attempt: IdentityWatch | undefined;
  /** Keeps the outcome. */
  readonly keep: (resolution: Resolution, isAnswer: boolean) => void;
}

/**
 * A policy that `resolve` looks up, with one call for each request, or one call for all requests with the same key
 * while the answer is valid. A lookup that fails or takes too long falls back to the policy's own numbers.
 */
export class Lookup implements PolicySource<Call> {
  readonly varies = 'all';
  private readonly reader: ResolutionReader;
  private readonly remembered: KeptResolutions | undefined;
  private readonly underWay = new Map<string, Promise<Resolution>>();
  private readonly warnings: RecurringWarnings;
  private readonly now: () => number;
  private lookups = 0;
  /** The outcome of a call that belongs to a discarded attempt. Callers that waited for it look up again. */
  private readonly discarded: Resolution;

  /**
   * @param variants the policy with its own numbers, and with other numbers
   */
  constructor(
    variants: PolicyVariants,
    private readonly settings: LookupSettings,
  ) {
    const {
      cache,
      now = () => performance.now(),
      warn = (news) => harmless(new Logger('RateLimit')).warn(news),
    } = settings;
    this.reader = new ResolutionReader(variants, (count) => warn(manyWindows(this.own.name, count)));
    this.discarded = { ...this.reader.own };
    this.remembered = cache && new KeptResolutions(cache.max);
    this.warnings = new RecurringWarnings(warn, now);
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
    return this.reader.own.policy;
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
    if (!remembered || !cache || by === undefined || by === null) return this.ask({ context, attempt, keep: () => {} });
    const key = this.cacheKeyOf(by);
    const askedAt = this.now();
    const known = remembered.find(key, askedAt);
    if (known) return known;

    const ask = () => {
      const lookup = ++this.lookups;
      return this.ask({
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
    if (underWay) return underWay.then((resolution) => (resolution === this.discarded ? ask() : resolution));
    const answer = ask();
    if (isPromise(answer)) {
      this.underWay.set(key, answer);
      const done = () => this.underWay.delete(key);
      answer.then(done, done);
    }
    return answer;
  }

  private ask(asking: Asking): Resolution | Promise<Resolution> {
    try {
      const answer = this.settings.resolve(asking.context);
      if (!isPromise(answer)) return this.read(answer, asking);
      if (!asking.attempt?.hasRead) return this.inTime(answer, asking);
      // Not awaited, because it is called again in the late phase.
      answer.then(undefined, () => undefined);
      return this.discarded;
    } catch (error) {
      return this.withoutAnswer(error, asking);
    }
  }

  /** An answer that comes too late is not used for this request, but still kept. */
  private inTime(answer: Promise<Resolved>, asking: Asking): Promise<Resolution> {
    const { timeout } = this.settings;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const giveUp = (): void => {
        if (isOver) return;
        isOver = true;
        resolve(this.fallBack(asking, 'late', () => `gave no answer within ${timeout} ms`));
      };
      // Node runs timers before it reads sockets. After a long turn, answers that are already there must be read first.
      const timer = setTimeout(() => setImmediate(giveUp), timeout).unref();
      // Not Promise.resolve(): it would trust the methods of the promise that the application made.
      new Promise<Resolved>((settle) => settle(answer))
        .then(
          (value) => this.read(value, asking),
          (error: unknown) => (isOver ? this.reader.own : this.withoutAnswer(error, asking)),
        )
        .then(resolve, reject)
        .finally(() => {
          isOver = true;
          clearTimeout(timer);
        });
    });
  }

  private read(answer: unknown, asking: Asking): Resolution {
    if (asking.attempt?.hasRead) return this.discarded;
    let resolution: Resolution;
    try {
      resolution = this.reader.read(answer);
    } catch (error) {
      const [kind, what] = error instanceof RateLimitError ? [error.code, error.message] : ['unread', saidBy(error)];
      return this.fallBack(asking, kind, () => `returned a value that cannot be used: ${what}`);
    }
    asking.keep(resolution, true);
    return resolution;
  }

  private withoutAnswer(error: unknown, asking: Asking): Resolution {
    if (!asking.attempt?.hasRead && isForTheClient(error)) throw error;
    return this.fallBack(asking, 'failed', () => `failed: ${saidBy(error)}`);
  }

  /** Falls back to the policy's own numbers. */
  private fallBack({ attempt, context, keep }: Asking, kind: string, what: () => string): Resolution {
    if (attempt?.hasRead) return this.discarded;
    this.tell(kind, context, what);
    keep(this.reader.own, false);
    return this.reader.own;
  }

  private cacheKeyOf(by: NonNullable<Partition>): string {
    const text = textOf(by);
    if (text !== undefined) return keptKey(text);
    throw new RateLimitError(
      'RL_KEY_INVALID',
      `${this.own.name}: a key of resolveCache.by must be text, a number or an id, got ${shown(by)}`,
    );
  }

  private tell(kind: string, context: ExecutionContext, what: () => string): void {
    const { name, limit, period } = this.own;
    this.warnings.warnOnce(
      kind,
      () =>
        `${context.getClass().name}.${context.getHandler().name}: resolve of ${shown(name)} ${what()}. ` +
        `The policy's own numbers apply instead: ${limit} per ${period.text}. ` +
        'This is logged once, and again after a minute without it.',
    );
  }
}

const manyWindows = (name: string, count: number): string =>
  `resolve of ${shown(name)} has returned ${count} different windows. Each window has its own quota, so a window that ` +
  "changes with every request limits no caller. Return fixed spans, such as '1d': there are no calendar windows yet.";

/** Anything can be thrown, also a value that cannot be read. */
function isForTheClient(error: unknown): boolean {
  try {
    return error instanceof HttpException;
  } catch {
    return false;
  }
}
