/**
 * In milliseconds: the longest wait of a denial that only held units caused. They may come back at any moment, when a
 * request ends, so a longer wait would keep callers away for nothing.
 */
export const GUESS = 1_000;
