/** What text ends in that was made of something that is not there. */
const OF_NOTHING = ['undefined', 'null', 'NaN', '[object Object]'];

/** A part of a key that is one of these, or a scheme with nothing behind it. */
const MISSING = /(?:^|[:+|/,#])(?:undefined|null|NaN|\[object Object\])(?=$|[:+|/,#])|^[a-zA-Z][\w.-]*:$/;

/** Whether a key surely lacks the id that it was to be made of: `user:`, `user:undefined`, `undefined:room`. */
export const lacksId = (key: string): boolean => MISSING.test(key);

/** Whether a key looks so, as `user-undefined` does too. */
export const isOfNothing = (key: string): boolean =>
  key === '' || OF_NOTHING.some((end) => key.endsWith(end)) || lacksId(key);
