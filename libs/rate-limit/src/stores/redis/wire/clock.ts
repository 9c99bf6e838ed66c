/**
 * Knows a server's clock from its replies, however wrong our own is: ours is only used for spans.
 *
 * A reply says what time it was at some moment between sending and receiving. The estimate moves only as far as the
 * last reply proves it wrong, so one late reply does not spoil it and a clock that steps is followed at once.
 */
export class ServerClock {
  private offset: number | undefined;

  get known(): boolean {
    return this.offset !== undefined;
  }

  /** All three in milliseconds; `sentAt` and `receivedAt` on our monotonic clock. */
  observe(server: number, sentAt: number, receivedAt: number): void {
    const least = server - receivedAt;
    const most = server - sentAt;
    this.offset = Math.min(Math.max(this.offset ?? least, least), most);
  }

  /** The server's time at a moment of ours, rounded to the safe side: never later than it will be. */
  at(moment: number): number {
    return Math.floor(moment + this.offset!);
  }
}
