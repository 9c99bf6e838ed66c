import type { Limiter, WaitOptions } from 'nestjs-redis-rate-limit/engine';

/** A `fetch` that waits for its turn, and for the pause that the service asks for when it answers 429. */
export function pacedFetch(
  limiter: Limiter,
  policy: string,
  key: string,
  options: WaitOptions & { tries?: number } = {},
) {
  const { tries = 3, ...wait } = options;
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      await limiter.wait(policy, key, { ...wait, signal: init.signal ?? undefined });
      const response = await fetch(url, init);
      const pause = pauseOf(response);
      if (response.status !== 429 || pause === undefined) return response;
      // For all processes: each of them waits until the block ends.
      await limiter.block(policy, key, pause);
      if (attempt >= tries) return response;
      await response.body?.cancel();
    }
  };
}

/** `Retry-After` in milliseconds, between a second and ten minutes. It is a number of seconds, or a date. */
function pauseOf({ headers }: Response): number | undefined {
  const field = headers.get('retry-after');
  if (field === null) return undefined;
  const span = /^\d+$/.test(field) ? 1_000 * Number(field) : Date.parse(field) - Date.now();
  return Number.isNaN(span) ? undefined : Math.min(600_000, Math.max(1_000, Math.ceil(span)));
}
