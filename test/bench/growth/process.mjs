// node process.mjs URL: one process of an application, which decides for as many seconds as each message says and
// tells what came of it. It ends with its parent.
import { deciding, openStore, policiesFor } from '../contenders/ours.mjs';
import { closedLoop } from '../measuring/closed-loop.mjs';
import { callers } from '../measuring/keys.mjs';
import { quantile } from '../measuring/statistics.mjs';

const { store, close } = await openStore(process.argv[2]);
const decide = deciding(store, policiesFor({ limit: 5_000, windows: [3_600_000] }));
const keys = callers(10_000);
await closedLoop({ decide, keys, inFlight: 64, seconds: 0.3 });

process.once('disconnect', () => void close());
process.on('message', async ({ seconds }) => {
  const { latencies, ...figures } = await closedLoop({ decide, keys, inFlight: 64, seconds });
  process.send({ ...figures, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) });
});
process.send('ready');
