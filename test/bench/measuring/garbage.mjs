import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Before each measurement, so that nobody cleans up after the one before. */
export const collectGarbage = runInNewContext('gc');
