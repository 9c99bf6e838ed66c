import type { ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../../core/errors.js';
import { isEndingBound } from './bound-handlers.js';
import type { Settle } from './call-outcome.js';
import { Watch, type EndEvents } from './watch.js';
import { WatchedCall } from './watched-call.js';

/** The end of a call that is watched. */
export interface AwaitedEnd {
  /**
   * Stops waiting for the handler, because what is held is lost soon. `ended` follows when the response is over, at once
   * if it is over already. If the handler has not started then, it counts as one that did.
   */
  giveUp(): void;
}

/** What is needed of a rule to watch the end of its calls. */
export interface Watched {
  /** The units that are held. */
  readonly held: number;
  readonly reader?: Settle['reader'];
}

/**
 * Finds out how a call ends. A guard calls it before it lets the call pass; each guard of a call may do so for itself.
 *
 * Only for handlers that {@link bindEnding} has bound: of others it is unknown whether they started.
 *
 * @throws RateLimitError `RL_HANDLER_UNKNOWN` if the function that will be called is not bound
 */
export function watchEnding(context: ExecutionContext, { held, reader }: Watched, events: EndEvents): AwaitedEnd {
  if (!isEndingBound(context.getHandler())) {
    const place = `${context.getClass().name}.${context.getHandler().name}`;
    throw new RateLimitError(
      'RL_HANDLER_UNKNOWN',
      `a function without the handler's metadata replaced ${place}, so it is unknown when the handler starts and ends, and ` +
        'what it holds could not be settled; copy the metadata, or do not bind the handler in a constructor',
    );
  }
  const call = WatchedCall.of(context);
  const watch = new Watch(held, reader?.(), events);
  call.add(watch);
  return {
    giveUp() {
      watch.isGivenUp = true;
      call.giveUp(watch);
    },
  };
}
