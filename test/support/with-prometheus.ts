import { findPrometheus } from './prometheus.js';

/** Prometheus and its tool; `undefined` where they are neither installed nor can be fetched. */
export const here = await findPrometheus();

/** A test with a real Prometheus. Without one the run lists it as skipped, and a notice says why. */
export const itWithPrometheus = here ? it : it.skip;
