/**
 * Estimates a server's clock from its replies. Our own clock may be wrong: it is used for spans only.
 *
 * A reply has the server's time at some moment between sending and receiving. The estimate moves only as far as the last
 * reply proves it wrong. So one late reply does not spoil it, and a clock that steps is followed at once.
 */
export class ServerClock {
  private offset: number | undefined;
  private lastTime = 0;
  private lastText = '';

  get known(): boolean {
    return this.offset !== undefined;
  }

  /** All three in milliseconds; `sentAt` and `receivedAt` on our monotonic clock. */
  observe(server: number, sentAt: number, receivedAt: number): void {
    const least = server - receivedAt;
    const most = server - sentAt;
    this.offset = Math.min(Math.max(this.offset ?? least, least), most);
  }

  /** The server's time at a moment of our clock, rounded to the safe side: never too late. */
  at(moment: number): number {
    return Math.floor(moment + this.offset!);
  }

  /** The same as text. Many calls fall into one millisecond, and writing a large number takes a while. */
  textAt(moment: number): string {
    const time = this.at(moment);
    if (time !== this.lastTime) {
      this.lastTime = time;
      this.lastText = String(time);
    }
    return this.lastText;
  }
}
