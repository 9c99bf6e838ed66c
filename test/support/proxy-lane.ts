/** What the network is like now, for all links of a proxy. */
export interface Weather {
  /** Nothing passes. */
  isHole: boolean;
  /** In ms, from one end to the other. */
  delay: number;
}

/** One direction of a link. What was sent first arrives first, also when the delay has become less since. */
export class Lane {
  private readonly waiting: { due: number; arrive: () => void }[] = [];
  private timer?: NodeJS.Timeout;

  constructor(private readonly weather: Weather) {}

  carry(arrive: () => void): void {
    const due = performance.now() + this.weather.delay;
    this.waiting.push({ due: Math.max(due, this.waiting.at(-1)?.due ?? 0), arrive });
    this.go();
  }

  /** Lets arrive what is due. */
  go(): void {
    clearTimeout(this.timer);
    if (this.weather.isHole) return;
    while (this.waiting[0] && this.waiting[0].due <= performance.now()) this.waiting.shift()!.arrive();
    const next = this.waiting[0];
    if (next) this.timer = setTimeout(() => this.go(), Math.ceil(next.due - performance.now()));
  }

  drop(): void {
    clearTimeout(this.timer);
    this.waiting.length = 0;
  }
}
