import { run } from './run.mjs';
import { timelines } from './timelines.mjs';

const TEN = { limit: 10, window: 10_000 };

const times = (count, at) => Array(count).fill(at);
const every = (ms, until) => Array.from({ length: Math.ceil(until / ms) }, (_, i) => i * ms);
const admitted = ({ decisions }, from = 0, to = Infinity) =>
  decisions.filter(({ at, allowed }) => allowed && at >= from && at <= to).length;

/** The SVGs of docs/pictures, by file name. */
export const pictures = {
  'boundary-burst.svg': boundaryBurst(),
  'refill.svg': refill(),
  'pacing.svg': pacing(),
  'steady-flood.svg': steadyFlood(),
};

function boundaryBurst() {
  const requests = [0, ...times(9, 9_500), ...times(10, 10_200)];
  const until = 21_000;
  const rows = ['fixed-window', 'sliding-window', 'sliding-log'].map((algorithm) => {
    const result = run({ algorithm, ...TEN }, requests, until);
    return { label: algorithm, result, says: [`${admitted(result, 9_500, 10_200)} admitted`, 'from 9.5 to 10.2 s'] };
  });
  const [fixed, sliding, log] = rows.map(({ result }) => admitted(result, 9_500, 10_200));
  return timelines({
    title: 'Around the edge of a window',
    subtitle: '10 per 10 s; one request at 0 s, nine at 9.5 s, ten at 10.2 s',
    description:
      `From 9.5 to 10.2 s fixed-window admits ${fixed} requests, sliding-window ${sliding} and sliding-log ${log}. ` +
      'What remains comes back at once in a fixed window, in steps in a sliding one, and ten seconds after each charge in a log.',
    until,
    step: 5_000,
    most: 10,
    rows,
  });
}

function refill() {
  const requests = [...times(10, 0), ...times(5, 3_000), ...times(8, 12_000), 14_000, 14_500, 15_000];
  const until = 25_000;
  const rows = [
    { label: 'token-bucket', note: 'burst 10', burst: 10 },
    { label: 'token-bucket', note: 'burst 5', burst: 5 },
  ].map(({ label, note, burst }) => {
    const result = run({ algorithm: 'token-bucket', burst, ...TEN }, requests, until);
    return { label, note, result, says: [`${admitted(result)} of ${requests.length} admitted`] };
  });
  const [ten, five] = rows.map(({ result }) => admitted(result));
  return timelines({
    title: 'A bucket and its refill',
    subtitle: '10 per 10 s; ten requests at 0 s, five at 3 s, eight at 12 s, then one at 14, 14.5 and 15 s',
    description:
      'Tokens come back one a second, until the bucket is full. ' +
      `With a burst of 10 it admits ${ten} of the ${requests.length} requests, with a burst of 5 ${five}.`,
    until,
    step: 5_000,
    most: 10,
    rows,
  });
}

function pacing() {
  const until = 12_000;
  const requests = every(200, until);
  const rows = [
    { label: 'token-bucket', note: 'burst 10' },
    { label: 'gcra', note: 'burst 1' },
    { label: 'gcra', note: 'burst 3', burst: 3 },
  ].map(({ label, note, burst }) => {
    const result = run({ algorithm: label, burst, ...TEN }, requests, until - 1);
    return { label, note, result, says: [`${admitted(result)} of ${requests.length} admitted`] };
  });
  const [bucket, paced, three] = rows.map(({ result }) => admitted(result));
  const first = rows[0].result.decisions.findIndex(({ allowed }) => !allowed);
  return timelines({
    title: 'A client that sends five a second',
    subtitle: '10 per 10 s; a request every 200 ms',
    description:
      `A token bucket admits the first ${first} requests and then one a second, ${bucket} of ${requests.length}. ` +
      `gcra admits one a second from the start, ${paced} in all; with a burst of 3 a few more at the start, ${three} in all.`,
    until,
    step: 1_000,
    most: 10,
    rows,
  });
}

function steadyFlood() {
  const until = 40_000;
  const requests = every(500, until);
  const rows = ['fixed-window', 'sliding-window', 'sliding-log', 'token-bucket', 'gcra'].map((algorithm) => {
    const result = run({ algorithm, ...TEN }, requests, until - 1);
    return { label: algorithm, result, says: [`${admitted(result)} of ${requests.length} admitted`] };
  });
  return timelines({
    title: 'A client that sends twice what it may',
    subtitle: '10 per 10 s; a request every 500 ms',
    description: `In ${until / 1_000} s are admitted: ${rows.map(({ label, result }) => `${label} ${admitted(result)}`).join(', ')}.`,
    until,
    step: 5_000,
    rows,
  });
}
