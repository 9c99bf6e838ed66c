/** What the page must know of each algorithm. The application makes algorithms.js of what the library says. */
export const ALGORITHMS: readonly {
  readonly name: string;
  /** `sliding log` */
  readonly title: string;
  readonly about: string;
  /** Left out: the algorithm takes no burst. */
  readonly defaultBurst?: 'limit' | number;
  /** Whether all units come back at one moment. */
  readonly refillsAtOnce: boolean;
}[];
