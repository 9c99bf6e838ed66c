/** One line that is rewritten on a terminal, and elsewhere a line now and then. */
export class Progress {
  constructor(out = process.stderr) {
    this.out = out;
  }

  /** What is being done at the moment. */
  now(text) {
    if (this.out.isTTY) this.out.write(`\r\x1b[2K${text.slice(0, (this.out.columns || 80) - 1)}`);
  }

  /** What is worth a line of its own in a log. */
  step(text) {
    if (this.out.isTTY) this.now(text);
    else this.out.write(`${text}\n`);
  }

  done() {
    if (this.out.isTTY) this.out.write('\r\x1b[2K');
  }
}
