import { RateLimitWaitError, type Limiter } from 'nestjs-redis-rate-limit/engine';

/** What is used of a job of BullMQ. */
interface Delayable {
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
}

interface Pace<J> {
  policy: string;
  key: (job: J) => string;
  /** BullMQ's `DelayedError`. */
  DelayedError: new () => Error;
}

/**
 * A processor for a worker of BullMQ, whose jobs wait for their turn: a short wait in the worker, a long one among the
 * queue's delayed jobs. Waiting is not a failed attempt.
 */
export const pacedProcessor =
  <J extends Delayable, R>(limiter: Limiter, { policy, key, DelayedError }: Pace<J>, work: (job: J) => Promise<R>) =>
  async (job: J, token?: string, signal?: AbortSignal): Promise<R> => {
    try {
      await limiter.wait(policy, key(job), { timeout: '5s', signal });
    } catch (error) {
      if (!(error instanceof RateLimitWaitError) || error.retryAfter < 0) throw error;
      await job.moveToDelayed(Date.now() + error.retryAfter, token);
      throw new DelayedError();
    }
    return await work(job);
  };
