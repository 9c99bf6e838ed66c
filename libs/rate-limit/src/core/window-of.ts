import {
  calendarWindowOf,
  isCalendar,
  type CalendarDefinition,
  type CalendarText,
} from './calendar/calendar-window.js';
import { durationText, milliseconds, type Duration } from './duration.js';
import type { Window, WindowBounds } from './window.js';

/**
 * A window as you write it: a {@link Duration}, which begins with the first charge, or a calendar unit in a time
 * zone: `'day Europe/Berlin'`, `{ calendar: 'month', timeZone: 'Europe/Berlin', anchor: 15 }` (`fixed-window` only).
 */
export type WindowDefinition = Duration | CalendarText | CalendarDefinition;

/** A span of time. It begins with the first charge. */
class Span implements Window {
  readonly isCalendar = false;
  readonly longest: number;

  constructor(readonly length: number) {
    this.longest = length;
  }

  get id(): string {
    return String(this.length);
  }

  get text(): string {
    return durationText(this.length);
  }

  isFarAhead(end: number, now: number): boolean {
    // A start up to one length ahead was written before the clock was set back.
    return end - now > 2 * this.length;
  }

  secondsAt(): number {
    return Math.ceil(this.length / 1_000);
  }

  boundsAt(now: number): WindowBounds {
    return { start: now, end: now + this.length };
  }
}

/**
 * The window that a policy's definition describes.
 *
 * @throws RateLimitError `RL_WINDOW_INVALID`, `RL_OPTION_UNKNOWN`
 */
export const windowOf = (window: WindowDefinition): Window =>
  isCalendar(window) ? calendarWindowOf(window) : new Span(milliseconds(window));
