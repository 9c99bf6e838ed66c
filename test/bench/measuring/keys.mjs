/** So many callers, made beforehand: `user:0000042`. */
export const callers = (count) => Array.from({ length: count }, (_, i) => `user:${String(i).padStart(7, '0')}`);
