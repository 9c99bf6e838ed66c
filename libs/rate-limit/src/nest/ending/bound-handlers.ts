import 'reflect-metadata';

/** Metadata, because wrappers copy it. Another copy of this library does not share it, because it binds for itself. */
const BOUND = Symbol('nestjs-redis-rate-limit/ending');

export const markEndingBound = (handler: object): void => Reflect.defineMetadata(BOUND, true, handler);

/** Whether it is known when a handler starts and ends: the function is bound to the end of its calls, or wraps one. */
export const isEndingBound = (handler: object): boolean => Reflect.hasMetadata(BOUND, handler);
