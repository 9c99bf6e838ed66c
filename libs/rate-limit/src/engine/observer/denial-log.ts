import { milliseconds, durationText, type Duration } from '../../core/duration.js';
import type { DecisionEvent, DenialReason } from '../../core/observer.js';
import { digestOf, shortKey } from './denied-most/short-key.js';
import { SpaceSaving } from './denied-most/space-saving.js';
import type { LimiterLogger } from './logger.js';
import type { RequestObserver } from './observer-source.js';

/** How denials are logged. */
export interface LogDenials {
  /** How often, `'1s'` to `'1h'`: an entry for each span in which something was denied. */
  every: Duration;
  /** `plain`: with the keys of callers, which may identify people. Default `hashed`: a short digest of each. */
  keys?: 'plain' | 'hashed' | undefined;
}

/** Runs something later; the result cancels it. */
export type Schedule = (run: () => void, delay: number) => () => void;

const MOST_POLICIES = 50;
const MOST_KEYS = 100;
/** How many callers of a policy an entry names. */
const NAMED = 3;

interface Denials {
  denied: number;
  inShadow: number;
  readonly reasons: Partial<Record<DenialReason, number>>;
  readonly callers: SpaceSaving;
}

/**
 * Logs what was denied, in one entry for each span. A span begins with its first denial, so a quiet limiter has no timer
 * and logs nothing.
 */
export class DenialLog implements RequestObserver {
  private readonly every: number;
  private readonly nameOf: (key: string) => string;
  private policies = new Map<string | undefined, Denials>();
  /** Denials of further policies. */
  private others = 0;
  private cancel: (() => void) | undefined;

  constructor(
    { every, keys }: LogDenials,
    private readonly logger: Pick<LimiterLogger, 'warn'>,
    private readonly schedule: Schedule = later,
  ) {
    this.every = milliseconds(every);
    this.nameOf = keys === 'plain' ? (key) => key : digestOf;
  }

  readonly checked = (events: readonly DecisionEvent[]): void => {
    for (const event of events) if (event.reason !== undefined) this.denied(event, event.reason);
  };

  /** Logs what the last span has so far. */
  end(): void {
    this.cancel?.();
    this.say('Denied since the last entry');
  }

  private denied({ policy, key, shadow }: DecisionEvent, reason: DenialReason): void {
    this.cancel ??= this.schedule(() => this.say(`Denied in the last ${durationText(this.every)}`), this.every);
    let denials = this.policies.get(policy);
    if (!denials) {
      if (this.policies.size >= MOST_POLICIES) return void this.others++;
      denials = { denied: 0, inShadow: 0, reasons: {}, callers: new SpaceSaving(MOST_KEYS) };
      this.policies.set(policy, denials);
    }
    if (shadow) denials.inShadow++;
    else denials.denied++;
    denials.reasons[reason] = (denials.reasons[reason] ?? 0) + 1;
    denials.callers.add(shortKey(key));
  }

  private say(what: string): void {
    this.cancel = undefined;
    const { policies, others } = this;
    if (policies.size === 0) return;
    this.policies = new Map();
    this.others = 0;
    const entries = Array.from(policies, ([policy, { denied, inShadow, reasons, callers }]) => ({
      // A list of the module or the limiter has none.
      policy: policy ?? null,
      denied,
      ...(inShadow > 0 && { inShadow }),
      reasons,
      callers: this.most(callers),
    }));
    entries.sort((a, b) => b.denied - a.denied);
    this.logger.warn(`${what}: ${lineOf({ policies: entries, ...(others > 0 && { ofOtherPolicies: others }) })}`);
  }

  private most(callers: SpaceSaving): object[] {
    const all = Array.from(callers.entries()).sort((a, b) => b.count - a.count);
    return all.slice(0, NAMED).map(({ key, count, atMostTooHigh }) => ({
      key: this.nameOf(key),
      denials: count,
      ...(atMostTooHigh > 0 && { atMostTooHigh }),
    }));
  }
}

/** JSON on one line, without characters that could forge a line in a log. They occur only in texts, so it stays JSON. */
const lineOf = (entry: object): string =>
  JSON.stringify(entry).replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The timer keeps no process alive. */
function later(run: () => void, delay: number): () => void {
  const timer = setTimeout(run, delay);
  timer.unref();
  return () => clearTimeout(timer);
}
