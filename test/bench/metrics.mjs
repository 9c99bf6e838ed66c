// node test/bench/metrics.mjs [DIST]: what metrics cost, beside a limiter without any.
//
// One process measures all in turns, in memory and on one Redis, in every round in another order. It prints the medians
// over all rounds, and the median of each against "off" in the same round. "off again" is a second limiter without
// metrics: what it shows of a difference is the error. OpenTelemetry is its real SDK, which is read after each cell.
//
//   --rounds 15      how often each is measured
//   --seconds 0.5    how long, each time
//   --in-flight 64   requests at once
//   --only memory,redis
import { metrics as api } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { Registry } from 'prom-client';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { cell, measure } from './measuring/cell.mjs';
import { pinRedis, pinThisProcess } from './measuring/cores.mjs';
import { callers } from './measuring/keys.mjs';
import { Server } from './measuring/server.mjs';
import { median } from './measuring/statistics.mjs';
import { openBenchRedis } from './redis.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '0.5' },
    'in-flight': { type: 'string', default: '64' },
    only: { type: 'string', default: 'memory,redis' },
  },
});
const [dist = fileURLToPath(new URL('../../libs/rate-limit/dist', import.meta.url))] = positionals;
const { createLimiter } = await import(pathToFileURL(resolve(dist, 'esm/engine.js')));

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
// As it is by default, once a minute: here it is read after each cell.
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
api.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const registry = new Registry();

/** The options of each side, and what collects from it. */
const SIDES = {
  off: {},
  'off again': {},
  observer: { options: { observer: { decided: () => undefined } } },
  openTelemetry: {
    options: { openTelemetry: true },
    collect: async () => (await reader.forceFlush(), exporter.reset()),
  },
  prometheus: { options: { prometheus: registry }, collect: () => registry.metrics() },
};

const redis = await openBenchRedis();
const server = new Server(redis.url);
try {
  if (pinRedis(await server.pid())) pinThisProcess();
  for (const place of values.only.split(',')) {
    await server.empty();
    await compare(place);
  }
} finally {
  server.close();
  await redis.close();
  await reader.shutdown();
}

async function compare(place) {
  const keys = callers(1_000);
  const sides = [];
  for (const [i, [name, { options, collect }]] of Object.entries(SIDES).entries()) {
    const where = place === 'redis' ? { redis: redis.url, prefix: `side${i}`, timeout: 10_000 } : {};
    const policies = { a: { limit: 1_000_000_000, window: '1d' } };
    const limiter = await createLimiter({ ...where, ...options, policies });
    const decide = async (key) => (await limiter.consume('a', key)).allowed;
    sides.push({ name, limiter, decide, collect, figures: [] });
  }
  const load = { keys, inFlight: Number(values['in-flight']) };
  const once = async ({ decide, collect }, seconds) => {
    const figures = await measure(server, () => cell({ ...load, decide }, { seconds }));
    await collect?.();
    return figures;
  };
  for (const side of [...sides, ...sides]) await once(side, 0.5);
  for (let round = 0; round < Number(values.rounds); round++) {
    const turned = [...sides.slice(round % sides.length), ...sides.slice(0, round % sides.length)];
    for (const side of turned) side.figures.push(await once(side, Number(values.seconds)));
  }
  const [off] = sides;
  for (const { name, figures } of sides) {
    const ratio = (figure) =>
      median(figures.map((each, round) => each[figure] / off.figures[round][figure])).toFixed(3);
    const perSecond = Math.round(median(figures.map((each) => each.perSecond)));
    console.log(
      `${place.padEnd(7)} ${name.padEnd(14)} ${String(perSecond).padStart(8)} decisions/s (${ratio('perSecond')})   ` +
        `CPU per decision ${median(figures.map(({ appCpu }) => appCpu)).toFixed(2)} us (${ratio('appCpu')})`,
    );
  }
  for (const { limiter } of sides) await limiter.close();
}
