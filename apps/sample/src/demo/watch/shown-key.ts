const LONGEST = 60;

/**
 * A key as everyone may see it. Long ids are cut: anybody who knows a visitor's id can spend that visitor's quota.
 */
export const shownKey = (key: string): string =>
  key.replace(/[\w-]{16,}/g, (id) => `${id.slice(0, 6)}…`).slice(0, LONGEST);
