import { HttpException, Logger, type ExecutionContext } from '@nestjs/common';
import { durationText } from '../../core/duration.js';
import { kindOf, oneLine, RateLimitError, shown } from '../../core/errors.js';
import type { Policy, PolicyDefinition } from '../../core/policy.js';
import { keptKey } from '../../stores/long-key.js';
import type { KeyResolver, Partition } from '../keys/key-resolver.js';
import { isPromise } from '../request/values.js';
import { RememberedTerms } from './remembered-terms.js';
import type { Resolved } from './resolved-policy.js';
import { TermsReader, type Terms } from './terms.js';
import { Troubles } from '../troubles.js';

/** In milliseconds: after a lookup that failed, how long its key is not looked up again. */
const PAUSE = 1_000;

/** How to look up, checked and with the defaults; and what tests hand in. */
export interface LookupSettings {
  readonly resolve: (context: ExecutionContext) => Resolved | Promise<Resolved>;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  /** By what answers are kept, for so many milliseconds, and so many of them. */
  readonly cache: { readonly by: KeyResolver; readonly span: number; readonly max: number } | undefined;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Default: to the log. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Keeps what a lookup came to. */
type Keep = (terms: Terms, isAnswer: boolean) => void;

/**
 * Looks a policy up: one call for a request, or for all that share its key while the answer holds. Whatever becomes of
 * the call, it comes to terms: without an answer those of the policy itself.
 */
export class Lookup {
  private readonly reader: TermsReader;
  private readonly remembered: RememberedTerms | undefined;
  private readonly underWay = new Map<string, Promise<Terms>>();
  private readonly troubles: Troubles;
  private readonly now: () => number;
  private lookups = 0;

  /**
   * @param owner the route that a policy without a name belongs to
   * @throws RateLimitError for own numbers that are none
   */
  constructor(
    definition: PolicyDefinition,
    owner: string | undefined,
    private readonly settings: LookupSettings,
  ) {
    const { cache, now = () => performance.now(), warn = (news) => new Logger('RateLimit').warn(news) } = settings;
    this.reader = new TermsReader(definition, owner);
    this.remembered = cache && new RememberedTerms(cache.max);
    this.troubles = new Troubles(warn, now);
    this.now = now;
  }

  /** By what answers are kept, if they are. */
  get by(): KeyResolver | undefined {
    return this.settings.cache?.by;
  }

  /** The policy by its own numbers. */
  get own(): Policy {
    return this.reader.own.policy;
  }

  /**
   * What holds for a request: at once, if that is known.
   *
   * @param by what `by` says of the request
   * @throws HttpException of `resolve`: it is for the client
   * @throws RateLimitError `RL_KEY_INVALID`
   */
  find(context: ExecutionContext, by: Partition): Terms | Promise<Terms> {
    const { remembered } = this;
    const { cache } = this.settings;
    if (!remembered || !cache || by === undefined) return this.ask(context, () => {});
    const key = this.keyOf(by);
    const askedAt = this.now();
    const known = remembered.find(key, askedAt) ?? this.underWay.get(key);
    if (known) return known;

    const lookup = ++this.lookups;
    const terms = this.ask(context, (terms, isAnswer) => {
      const now = this.now();
      // From the call on, so that what has changed is seen in time however long the answer took.
      const until = isAnswer ? askedAt + cache.span : now + Math.min(PAUSE, cache.span);
      remembered.keep(key, { terms, lookup, until }, now);
    });
    if (isPromise(terms)) {
      this.underWay.set(key, terms);
      const done = () => this.underWay.delete(key);
      terms.then(done, done);
    }
    return terms;
  }

  private ask(context: ExecutionContext, keep: Keep): Terms | Promise<Terms> {
    try {
      const answer = this.settings.resolve(context);
      return isPromise(answer) ? this.inTime(answer, context, keep) : this.read(answer, context, keep);
    } catch (error) {
      return this.withoutAnswer(error, context, keep);
    }
  }

  /** What comes too late is not waited for, and still kept. */
  private inTime(answer: Promise<Resolved>, context: ExecutionContext, keep: Keep): Promise<Terms> {
    const { timeout } = this.settings;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const giveUp = (): void => {
        if (isOver) return;
        isOver = true;
        this.tell('late', context, `gave no answer within ${timeout} ms`);
        keep(this.reader.own, false);
        resolve(this.reader.own);
      };
      // Timers come before sockets: after a turn that took long, the answers that came meanwhile are read first.
      const timer = setTimeout(() => setImmediate(giveUp), timeout).unref();
      // Not Promise.resolve(): that takes a promise at its word.
      new Promise<Resolved>((settle) => settle(answer))
        .then(
          (value) => this.read(value, context, keep),
          (error: unknown) => (isOver ? this.reader.own : this.withoutAnswer(error, context, keep)),
        )
        .then(resolve, reject)
        .finally(() => {
          isOver = true;
          clearTimeout(timer);
        });
    });
  }

  private read(answer: unknown, context: ExecutionContext, keep: Keep): Terms {
    let terms: Terms;
    try {
      terms = this.reader.termsOf(answer);
    } catch (error) {
      const [kind, what] = error instanceof RateLimitError ? [error.code, error.message] : ['unread', saidBy(error)];
      this.tell(kind, context, `returned what cannot be used: ${what}`);
      keep(this.reader.own, false);
      return this.reader.own;
    }
    keep(terms, true);
    return terms;
  }

  private withoutAnswer(error: unknown, context: ExecutionContext, keep: Keep): Terms {
    if (isForTheClient(error)) throw error;
    this.tell('failed', context, `failed: ${saidBy(error)}`);
    keep(this.reader.own, false);
    return this.reader.own;
  }

  private keyOf(by: string | number): string {
    if (typeof by === 'string' || Number.isFinite(by)) return keptKey(String(by));
    throw new RateLimitError(
      'RL_KEY_INVALID',
      `${this.own.name}: a key of resolveCache.by must be text or a number, got ${shown(by)}`,
    );
  }

  private tell(kind: string, context: ExecutionContext, what: string): void {
    const { name, limit, window } = this.own;
    this.troubles.tell(
      kind,
      () =>
        `${context.getClass().name}.${context.getHandler().name}: resolve of ${shown(name)} ${what}. ` +
        `The policy's own numbers hold then: ${limit} per ${durationText(window)}. ` +
        'This is told once, and again when a minute has passed without it.',
    );
  }
}

/** Anything can be thrown, also what cannot be looked at. */
function isForTheClient(error: unknown): boolean {
  try {
    return error instanceof HttpException;
  } catch {
    return false;
  }
}

function saidBy(error: unknown): string {
  try {
    if (error instanceof Error) return oneLine(error.message);
    return shown(error);
  } catch {
    return kindOf(error);
  }
}
