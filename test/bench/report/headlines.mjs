import { best, isPeer } from './standing.mjs';

/**
 * What a busy reader quotes: five lines, each made of the figures, so that none outlives them. A line whose rows were
 * not measured is left out.
 */
export function headlines({ quick, environment, rows }) {
  const lines = [inFlight(rows), others(rows), alone(rows), denied(rows), inMemory(rows)].filter(Boolean);
  const marked = quick ? '**From a quick run: these figures mean little.** ' : '';
  return [...lines.map((line) => `- ${line}`), '', `${marked}${provenance(environment)}`].join('\n');
}

function inFlight(rows) {
  const { to } = reading(rows, 'one-policy', 'fixed-window');
  return (
    to &&
    `**64 requests in flight, fixed window: ${to('perSecond')} times the decisions per second of the best peer, for ` +
      `${to('appCpu')} times the application CPU and ${to('redisCpu')} times the Redis CPU.** The 99th percentile is ` +
      `${to('p99')} times the best peer's.`
  );
}

function others(rows) {
  const named = [
    ['sliding window', 'sliding-window'],
    ['token bucket', 'token-bucket'],
    ['GCRA', 'gcra'],
    ['exact sliding log', 'sliding-log'],
  ];
  const parts = named.map(([name, id]) => [name, reading(rows, 'one-policy', id).to]).filter(([, to]) => to);
  const three = reading(rows, 'three-policies', 'fixed-window').to;
  if (parts.length === 0 || !three) return undefined;
  const algorithms = parts.map(([name, to]) => `${name} ${to('perSecond')} times`).join(', ');
  return `The other algorithms, to the best peer's fixed window: ${algorithms}. Three fixed windows: ${three('perSecond')} times.`;
}

function alone(rows) {
  const { to, figure } = reading(rows, 'one-in-flight', 'fixed-window');
  const incr = reading(rows, 'one-in-flight', 'incr').figure;
  const sixteen = reading(rows, 'sixteen-in-flight', 'fixed-window').to;
  return (
    to &&
    `**One request at a time takes ${asLong(to('p50'))} with the best peer**, and ` +
      `${asLong(digits(figure('p50') / incr('p50')))} a bare INCR.` +
      `${sixteen ? ` With 16 in flight: ${sixteen('perSecond')} times the decisions per second of the best peer.` : ''}`
  );
}

const asLong = (times) => (times === '1' ? 'as long as' : `${times} times as long as`);

function denied(rows) {
  const { to, figure } = reading(rows, 'denied-hot-key', 'fixed-window');
  if (!to) return undefined;
  const sent = figure('sent');
  const asked = sent < 0.001 ? 'less than one command per 1,000 decisions' : `${digits(sent)} commands per decision`;
  return `A caller that is denied again and again: ${to('perSecond')} times the decisions per second, and Redis receives ${asked}.`;
}

function inMemory(rows) {
  const { figure } = reading(rows, 'memory', 'fixed-window');
  const row = rows.find(({ id }) => id === 'memory');
  return (
    figure &&
    `Without Redis a decision in memory costs ${digits(figure('own'))} µs of CPU; the best peer's costs ` +
      `${digits(best(row, 'own', isPeer))} µs.`
  );
}

/** Of one contender: its `figure`s, and how they stand `to` the best peer. Neither when it was not measured. */
function reading(rows, rowId, contenderId) {
  const row = rows.find(({ id }) => id === rowId);
  const contender = row?.contenders.find(({ id }) => id === contenderId);
  if (!contender) return {};
  const figure = (metric) => contender[metric].median;
  return { figure, to: (metric) => digits(figure(metric) / best(row, metric, isPeer)) };
}

/** Two digits are all that another machine would show again. */
const digits = (value) => (value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2))));

function provenance({ date, version, commit, redis, node, cores }) {
  const of =
    version === undefined ? '' : `Version ${version}${commit === undefined ? '' : ` (commit of ${commit})`}, measured`;
  return `${of || 'Measured'} ${date} with ${redis}, Node.js ${node} and ${cores} cores for both. How: [below](#how-it-is-measured).`;
}
