import Sequencer from '@jest/test-sequencer';

/**
 * What takes longest, so that it begins first: a long spec that begins last keeps one worker busy while the others
 * idle. Jest knows the order from its last run, but not in a fresh clone.
 */
const LONGEST = [
  'test/chaos/long/soak.spec.ts',
  'test/chaos/long/',
  'test/chaos/away.spec.ts',
  'test/package/',
  'test/browser/',
  'test/exactness/capacity.spec.ts',
  'test/clients/',
  'test/chaos/',
];

export default class LongestFirst extends Sequencer {
  sort(specs) {
    return super.sort(specs).toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ path }) {
  const known = LONGEST.findIndex((each) => path.replaceAll('\\', '/').includes(`/${each}`));
  return known < 0 ? LONGEST.length : known;
}
