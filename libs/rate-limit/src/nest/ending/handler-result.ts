import { StreamableFile } from '@nestjs/common';
import { isObservable, Observable } from 'rxjs';
import { errorMonitor } from 'node:events';
import type { Readable } from 'node:stream';

/** Is notified of what comes out of a handler. */
export interface HandlerListener {
  /** It returned this as its answer. */
  answered(value: unknown): void;
  /** Its Observable is complete, and this was the last item. */
  completed(value: unknown): void;
  /** One item of a stream of objects. */
  item(value: unknown): void;
  failed(error: unknown): void;
  /** Something of the handler begins to run. Call the result when that is over. */
  begin(): () => void;
}

/**
 * What to hand on in place of a handler's result: the same, but the listener is notified of all that is still to come
 * out of it. What is sent as bytes is only watched for errors.
 */
export function listened(value: unknown, listener: HandlerListener): unknown {
  if (isObservable(value)) return listenedObservable(value, listener);
  const stream = value instanceof StreamableFile ? value.getStream() : value;
  if (isNodeStream(stream)) {
    // Not 'error': a listener would count as one that handles it.
    stream.once(errorMonitor, (error) => listener.failed(error));
    return value;
  }
  if (isWebBody(value)) return value;
  if (isAsyncIterable(value)) return listenedIterable(value, listener);
  listener.answered(value);
  return value;
}

const listenedObservable = (source: Observable<unknown>, listener: HandlerListener): Observable<unknown> =>
  new Observable((subscriber) => {
    const over = listener.begin();
    let last: unknown;
    const subscription = source.subscribe({
      next(value) {
        listener.item((last = value));
        subscriber.next(value);
      },
      error(error) {
        listener.failed(error);
        subscriber.error(error);
      },
      complete() {
        listener.completed(last);
        subscriber.complete();
      },
    });
    // Also after an error, or when it is complete.
    return () => {
      subscription.unsubscribe();
      over();
    };
  });

/** A Proxy, because the stream of a client for a model has more than its iterator, and interceptors may use it. */
const listenedIterable = (source: AsyncIterable<unknown>, listener: HandlerListener): AsyncIterable<unknown> =>
  new Proxy(source, {
    get(target, name) {
      if (name === Symbol.asyncIterator) return () => listenedIterator(target[Symbol.asyncIterator](), listener);
      const found: unknown = Reflect.get(target, name, target);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });

/** It runs until it is done or stopped, also while it waits between two items: what stops it may still use something. */
function listenedIterator(source: AsyncIterator<unknown>, listener: HandlerListener): AsyncIterator<unknown> {
  const over = listener.begin();
  const asked = async (call: () => Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> => {
    try {
      const result = await call();
      if (result.done) over();
      else listener.item(result.value);
      return result;
    } catch (error) {
      listener.failed(error);
      over();
      throw error;
    }
  };
  return {
    next: () => asked(() => source.next()),
    return: (value) =>
      asked(async () => {
        await source.return?.(value);
        return { done: true, value: undefined };
      }),
  };
}

const isNodeStream = (value: unknown): value is Readable =>
  typeof (value as Partial<Readable> | undefined | null)?.pipe === 'function' &&
  typeof (value as Partial<Readable>).once === 'function';

/** A `ReadableStream` or a `Response` of the web. */
const isWebBody = (value: unknown): boolean =>
  typeof (value as Partial<ReadableStream> | undefined | null)?.getReader === 'function' ||
  Object.prototype.toString.call(value) === '[object Response]';

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
