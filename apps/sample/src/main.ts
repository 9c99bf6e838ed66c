import { RateLimiter, RateLimitError } from 'nestjs-redis-rate-limit';
import { configFrom, ConfigError, type Config } from './config.js';
import { createApp } from './create-app.js';

try {
  const config = configFrom(process.env);
  const app = await createApp(config);
  // Nest would end by the signal it got, which is no clean exit, and does nothing to the first process of a container.
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(config.port, config.host);
  app.flushLogs();
  // A look at a quota, which spends nothing: where no store answers, this instance decides it by itself.
  const { by } = await app.get(RateLimiter).peek('ping', 'ip:127.0.0.1');
  console.log(greeting(await app.getUrl(), config, by === 'store'));
} catch (error) {
  console.error(explained(error));
  process.exit(1);
}

function greeting(url: string, { redis }: Config, isReachable: boolean): string {
  const memory = 'memory (set REDIS_URL or REDIS_HOST to share quotas between instances)';
  const store = redis === undefined ? memory : isReachable ? 'redis' : 'redis (not reachable yet)';
  return `Sample: ${url} (open it in a browser)\nStore: ${store}\nTry: for i in $(seq 12); do curl -si ${url}/api/ping; echo; done`;
}

/** One line for what the environment can cause; anything else is a mistake of ours and keeps its stack. */
function explained(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof RateLimitError) return error.message;
  const { syscall, code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `${message}: stop what listens there, or set PORT to another one (0: any free one)`;
  if (syscall === 'listen' || syscall === 'getaddrinfo') return `${message}: choose another PORT or HOST`;
  return error;
}
