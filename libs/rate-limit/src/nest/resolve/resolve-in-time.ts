import { HttpException, Logger, type ExecutionContext } from '@nestjs/common';
import { isPromise } from '../../core/after.js';
import { saidBy, shown } from '../../core/shown.js';
import { RateLimitError } from '../../core/errors.js';
import { harmless } from '../../engine/observer/logger.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import { RecurringWarnings } from '../../engine/recurring-warnings.js';
import { placeIn } from '../request/call.js';
import type { IdentityWatch } from '../request/identity-watch.js';
import type { Resolved } from './resolved-policy.js';
import { ResolutionReader, type Resolution } from './resolution.js';

/** What to call, checked and with the defaults; and what tests hand in. */
export interface ResolveSettings {
  readonly resolve: (context: ExecutionContext) => Resolved | Promise<Resolved>;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Default: to the log. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** How many different values are shown that cannot be used. Callers may have a say in them, so there must be a bound. */
const MOST_SHOWN = 20;

/** One call of `resolve`. */
interface Asking {
  readonly context: ExecutionContext;
  /** The attempt that it is part of, if it is one. */
  readonly attempt: IdentityWatch | undefined;
  /** Keeps the outcome. */
  readonly keep: (resolution: Resolution, isAnswer: boolean) => void;
}

/** Calls `resolve` of a policy. Where it fails or takes too long, the policy's own numbers hold, and that is logged. */
export class ResolveInTime {
  /** The outcome of a call that belongs to a discarded attempt: nothing, not even for others who wait for it. */
  readonly discarded: Resolution;
  private readonly reader: ResolutionReader;
  private readonly warnings: RecurringWarnings;
  /** What was wrong with values, so that a customer's does not hide those of others. */
  private readonly faults = new Set<string>();

  /** @param variants the policy with its own numbers, and with others */
  constructor(
    variants: PolicyVariants,
    private readonly settings: ResolveSettings,
  ) {
    const { now, warn = (news) => harmless(new Logger('RateLimit')).warn(news) } = settings;
    this.reader = new ResolutionReader(variants, (count) => warn(manyWindows(variants.own.name, count)));
    this.discarded = { ...this.reader.own };
    this.warnings = new RecurringWarnings(warn, now);
  }

  /** What holds when `resolve` says nothing. */
  get own(): Resolution {
    return this.reader.own;
  }

  /** @throws HttpException of `resolve`: it is for the client */
  ask(asking: Asking): Resolution | Promise<Resolution> {
    try {
      const answer = this.settings.resolve(asking.context);
      if (!isPromise(answer)) return this.read(answer, asking);
      if (!asking.attempt?.hasRead) return this.inTime(answer, asking);
      // Not waited for: it is asked again in the late phase.
      answer.then(undefined, () => undefined);
      return this.discarded;
    } catch (error) {
      return this.withoutAnswer(error, asking);
    }
  }

  /** What comes too late is not waited for, and still kept. */
  private inTime(answer: Promise<Resolved>, asking: Asking): Promise<Resolution> {
    const { timeout } = this.settings;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const giveUp = (): void => {
        if (isOver) return;
        isOver = true;
        resolve(this.fallBack(asking, 'late', () => `gave no answer within ${timeout} ms`));
      };
      // Timers come before sockets: after a turn that took long, the answers that came meanwhile are read first.
      const timer = setTimeout(() => setImmediate(giveUp), timeout).unref();
      // Not Promise.resolve(): that takes a promise at its word.
      new Promise<Resolved>((settle) => settle(answer))
        .then(
          (value) => this.read(value, asking),
          (error: unknown) => (isOver ? this.own : this.withoutAnswer(error, asking)),
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
      const what = error instanceof RateLimitError ? error.message : saidBy(error);
      return this.fallBack(asking, this.kindOf(what), () => `returned a value that cannot be used: ${what}`);
    }
    asking.keep(resolution, true);
    return resolution;
  }

  private kindOf(fault: string): string {
    if (!this.faults.has(fault) && this.faults.size >= MOST_SHOWN) return 'unusable';
    this.faults.add(fault);
    return fault;
  }

  private withoutAnswer(error: unknown, asking: Asking): Resolution {
    if (!asking.attempt?.hasRead && isForTheClient(error)) throw error;
    return this.fallBack(asking, 'failed', () => `failed: ${saidBy(error)}`);
  }

  /** To the policy's own numbers. */
  private fallBack({ attempt, context, keep }: Asking, kind: string, what: () => string): Resolution {
    if (attempt?.hasRead) return this.discarded;
    this.tell(kind, context, what);
    keep(this.own, false);
    return this.own;
  }

  private tell(kind: string, context: ExecutionContext, what: () => string): void {
    const { name, limit, period } = this.own.policy;
    this.warnings.warnOnce(
      kind,
      () =>
        `${placeIn(context)}: resolve of ${shown(name)} ${sentence(what())} ` +
        `The policy's own numbers apply instead: ${limit} per ${period.text}. ` +
        'This is logged once, and again after a minute without it.',
    );
  }
}

/** A message may end with a question. */
const sentence = (text: string): string => (text.endsWith('?') ? text : `${text}.`);

const manyWindows = (name: string, count: number): string =>
  `resolve of ${shown(name)} has returned ${count} different windows. Each window is a quota of its own, so a window that ` +
  "changes with every request, such as the time until midnight, limits no caller. Return fixed spans, such as '1d', or " +
  "calendar windows: 'day', or { calendar: 'day', timeZone: 'Europe/Berlin' }.";

/** Anything can be thrown, also what cannot be looked at. */
function isForTheClient(error: unknown): boolean {
  try {
    return error instanceof HttpException;
  } catch {
    return false;
  }
}
