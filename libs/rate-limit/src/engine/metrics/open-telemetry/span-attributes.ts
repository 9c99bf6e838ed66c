import type { DecisionEvent } from '../../../core/observer.js';
import { ALL_POLICIES, outcomeOf } from '../outcome.js';
import type { OpenTelemetryApi } from './api.js';

/** Writes what was decided on the span of the request that asked. Decisions arrive in that request's own context. */
export function markSpan({ trace }: OpenTelemetryApi, events: readonly DecisionEvent[]): void {
  const span = trace.getActiveSpan();
  if (!span?.isRecording() || events.length === 0) return;
  const event = decisive(events);
  span.setAttributes({
    'rate_limit.decision': outcomeOf(event),
    'rate_limit.policy': event.policy ?? ALL_POLICIES,
    'rate_limit.by': event.by,
  });
}

/** The one that denied the request, else one in shadow that would have, else the first. */
const decisive = (events: readonly DecisionEvent[]): DecisionEvent =>
  events.find(({ allowed, shadow }) => !allowed && !shadow) ?? events.find(({ allowed }) => !allowed) ?? events[0]!;
