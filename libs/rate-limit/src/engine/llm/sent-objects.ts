/** In characters. What is longer on one line, or in one event, is skipped: no usage is looked for in it. */
const LONGEST = 1_000_000;

/** The AI SDK's streams until version 4: what ends a step and a run. */
const OLD_PARTS: Readonly<Record<string, string>> = { 'e:{': 'finish-step', 'd:{': 'finish' };

/**
 * Finds the JSON objects in bytes that are sent: the data of server-sent events, lines of JSON, or a single object on
 * several lines. Pieces may end anywhere. Keeps one line, and one event, of at most {@link LONGEST} characters.
 */
export class SentObjects {
  private readonly decoder = new TextDecoder();
  private line = '';
  private isSkipping = false;
  private endsWithReturn = false;
  /** The data of an event on several lines. `undefined`: too long. */
  private data: string | undefined = '';
  /** An object on several lines, which the answer began with. */
  private document: string | undefined;
  private isFirst = true;

  constructor(private readonly see: (object: unknown) => void) {}

  push(chunk: string | Uint8Array): void {
    const text = typeof chunk === 'string' ? chunk : this.decoder.decode(chunk, { stream: true });
    if (text === '') return;
    // The rest of a line end that was cut in two.
    let start = this.endsWithReturn && text.startsWith('\n') ? 1 : 0;
    this.endsWithReturn = text.endsWith('\r');
    for (const { 0: end, index } of text.matchAll(/\r\n|\n|\r/g)) {
      if (index < start) continue;
      this.add(text.slice(start, index));
      this.endLine();
      start = index + end.length;
    }
    this.add(text.slice(start));
  }

  /** Looks at what has no end yet, as if the answer ended here. */
  end(): void {
    if (this.line !== '') this.endLine();
    this.endEvent();
    if (this.document !== undefined) this.seeIn(this.document);
  }

  /** The same place in the answer, for other eyes. The bytes of a character that was cut in two are not copied. */
  copy(see: (object: unknown) => void): SentObjects {
    const { line, isSkipping, endsWithReturn, data, document, isFirst } = this;
    return Object.assign(new SentObjects(see), { line, isSkipping, endsWithReturn, data, document, isFirst });
  }

  private add(text: string): void {
    if (this.isSkipping) return;
    if (this.line.length + text.length > LONGEST) {
      this.isSkipping = true;
      this.line = '';
    } else {
      this.line += text;
    }
  }

  private endLine(): void {
    const { line, isSkipping } = this;
    this.line = '';
    this.isSkipping = false;
    if (isSkipping) {
      // It may have been a part of either.
      this.data = undefined;
      this.document = undefined;
      this.isFirst = false;
    } else if (this.document !== undefined) {
      this.document = this.document.length + line.length > LONGEST ? undefined : this.document + line;
    } else {
      this.read(line);
    }
  }

  private read(line: string): void {
    if (line === '') {
      this.endEvent();
      return;
    }
    const isFirst = this.isFirst;
    this.isFirst = false;
    const old = OLD_PARTS[line.slice(0, 3)];
    if (line.startsWith('data:')) this.readData(line.slice(5));
    else if (old !== undefined) this.seeIn(`{"type":"${old}",${line.slice(3)}`);
    else if (isFirst && line.trim() === '{') this.document = line;
    else this.seeIn(line);
  }

  /** Most events are on one line. It is read at once: the empty line after it may be missing. */
  private readData(text: string): void {
    if (this.data === undefined) return;
    if (this.data === '' && this.seeIn(text)) return;
    this.data = this.data.length + text.length >= LONGEST ? undefined : `${this.data}\n${text}`;
  }

  private endEvent(): void {
    const { data } = this;
    this.data = '';
    if (data) this.seeIn(data);
  }

  private seeIn(text: string): boolean {
    const object = objectIn(text);
    if (object !== undefined) this.see(object);
    return object !== undefined;
  }
}

/** `undefined` for all but an object. */
export function objectIn(text: string): unknown {
  if (text.length > LONGEST || !text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
