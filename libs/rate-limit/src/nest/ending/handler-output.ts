import type { ExecutionContext } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { AnswerReader } from './call-outcome.js';
import type { HandlerListener } from './handler-result.js';
import { isConnected } from './response-over.js';
import { seeBytes } from './sent-bytes.js';
import type { Watch } from './watch.js';

/** What came out of the handler of a call so far. Readers of the answer see it at once. */
export class HandlerOutput implements HandlerListener {
  value: unknown;
  error: unknown;
  /** Whether the handler failed while its client was there. Otherwise it may have failed because the client had gone. */
  hasFailedFirst = false;
  /** Whether the handler failed after the status was sent, which then says nothing of it. */
  hasFailedLate = false;
  private hasFailed = false;
  /** Whether the handler answers in bytes, as far as is known. */
  private sendsBytes = false;
  private isWatchingBytes = false;

  constructor(
    private readonly context: ExecutionContext,
    private readonly response: ServerResponse,
    private readonly watches: readonly Watch[],
    readonly begin: HandlerListener['begin'],
  ) {}

  /** The handler starts, maybe once more. */
  restart(): void {
    this.sendsBytes = true;
    this.hasFailed = this.hasFailedFirst = this.hasFailedLate = false;
    this.error = undefined;
  }

  /** Shows the readers what is sent as bytes. */
  watchBytes(): void {
    if (this.isWatchingBytes) return;
    this.isWatchingBytes = true;
    seeBytes(this.response, (chunk) => {
      if (this.sendsBytes) this.read((reader) => reader.chunk(chunk));
    });
  }

  answered(value: unknown): void {
    if (value === undefined || value === null) return;
    this.value = value;
    this.sendsBytes = false;
    this.read((reader) => reader.value(value));
  }

  item(value: unknown): void {
    this.sendsBytes = false;
    if (typeof value === 'string' || value instanceof Uint8Array) return this.read((reader) => reader.chunk(value));
    this.read((reader) => reader.value(value));
  }

  /** Nest sends the last item of an Observable, unless the handler sends events. */
  completed(last: unknown): void {
    if (!Reflect.hasMetadata('__sse__', this.context.getHandler())) this.value = last;
  }

  failed(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.error = error;
    this.hasFailedFirst = isConnected(this.response);
    this.hasFailedLate = this.response.headersSent;
    // What is sent now is an error.
    this.sendsBytes = false;
  }

  private read(piece: (reader: AnswerReader) => void): void {
    for (const watch of this.watches) watch.read(piece);
  }
}
