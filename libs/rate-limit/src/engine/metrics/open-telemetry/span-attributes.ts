import type { Decision } from '../../../core/decision.js';
import type { Hit } from '../../../core/hit.js';
import type { DecisionEvent } from '../../../core/observer.js';
import { eventsOf } from '../../observer/event-of.js';
import { ALL_POLICIES, outcomeOf } from '../outcome.js';
import type { OpenTelemetryApi, Span } from './api.js';

/** Writes what was decided on the span of the request that asked. Decisions arrive in that request's own context. */
export class SpanAttributes {
  constructor(private readonly trace: OpenTelemetryApi['trace']) {}

  checked(events: readonly DecisionEvent[]): void {
    const span = this.trace.getActiveSpan();
    if (span?.isRecording()) mark(span, events);
  }

  judged(hits: readonly Hit[], decisions: readonly Decision[], duration: number): void {
    const span = this.trace.getActiveSpan();
    if (span?.isRecording()) mark(span, eventsOf(hits, decisions, duration));
  }
}

function mark(span: Span, events: readonly DecisionEvent[]): void {
  const event = decisive(events);
  if (!event) return;
  span.setAttributes({
    'rate_limit.decision': outcomeOf(event),
    'rate_limit.policy': event.policy ?? ALL_POLICIES,
    'rate_limit.by': event.by,
  });
}

/**
 * The event that the span shows: the one that denied the request, else one in shadow that would have, else the first.
 * `undefined` if a list denied the request, which is an event of its own.
 */
const decisive = (events: readonly DecisionEvent[]): DecisionEvent | undefined =>
  events.find(({ allowed, shadow }) => !allowed && !shadow) ??
  events.find(({ allowed }) => !allowed) ??
  events.find(({ passed }) => passed);
