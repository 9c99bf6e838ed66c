// Twin: stores/redis/lua/token-bucket.lua.
import type { Algorithm } from '../algorithm.js';
import { tokenBucket, type BucketState } from './token-bucket.js';

/**
 * The generic cell rate algorithm (ITU-T I.371, the leaky bucket as a meter): requests evenly paced, one every
 * `window / limit`, and `burst` of them at once. The token bucket's arithmetic with a burst of 1 unless the policy
 * says more.
 */
export const gcra: Algorithm<BucketState> = {
  ...tokenBucket,
  code: 'gc',
  lua: 'token-bucket',
  title: 'GCRA',
  about: 'Paces requests: one every window ÷ limit. Burst says how many may come at once; the default is one.',
  defaultBurst: 1,
};
