import 'reflect-metadata';
import { RateLimitError } from '../../core/errors.js';

type Decorator = MethodDecorator & ClassDecorator;
type Name = string | symbol;

/** What decorators said of a class's methods, by their names. Kept on the prototype, under the same key. */
type Records = Map<Name, readonly unknown[]>;

/**
 * Adds to a metadata list, where SetMetadata would keep only the topmost decorator's. In the order they are read.
 *
 * What is said of a method is written twice. On its function, as Nest does: wrappers copy it from there. And beside the
 * class, under the method's name: a decorator further up may put another function in the method's place and copy nothing.
 *
 * @param decorator how it is called in errors
 */
export function appendMetadata(key: symbol, values: readonly unknown[], decorator: string): Decorator {
  // Packages that generate routes run the decorators of a method twice, which means nothing.
  const isFirst = firstTimes();
  return (target: object, name?: Name | StandardContext, descriptor?: PropertyDescriptor) => {
    if (name === undefined || isStandardClass(name)) {
      if (isFirst(target)) prepend(key, values, target);
      return;
    }
    const { method, home } = methodOf(target, name, descriptor, decorator);
    if (method && isFirst(method)) prepend(key, values, method);
    if (!isFirst(home, name as Name)) return;
    const records = recordsOf(key, home) ?? new Map<Name, readonly unknown[]>();
    Reflect.defineMetadata(key, records.set(name as Name, [...values, ...(records.get(name as Name) ?? [])]), home);
  };
}

function firstTimes(): (owner: object, name?: Name) => boolean {
  const seen = new WeakMap<object, Set<Name | undefined>>();
  return (owner, name) => {
    const names = seen.get(owner) ?? new Set();
    seen.set(owner, names);
    return names.size < names.add(name).size;
  };
}

/** Decorators run from the bottom up; a class also sees what it inherits. */
const prepend = (key: symbol, values: readonly unknown[], owner: object): void =>
  Reflect.defineMetadata(key, [...values, ...listOf(key, owner)], owner);

/** What the decorators said of a class or a function. */
export const listOf = <T>(key: symbol, owner: object): readonly T[] =>
  (Reflect.getMetadata(key, owner) as T[] | undefined) ?? [];

/** What the decorators said of a method: of the function that stands there now, and of any that stood there before. */
export function listOfMethod<T>(key: symbol, prototype: object, name: Name, method: object): readonly T[] {
  const recorded: T[] = [];
  // A method that a class overrides without decorators has none: the record of the class above is about another one.
  for (const at of chainFrom(prototype)) {
    recorded.push(...((recordsOf(key, at)?.get(name) as T[] | undefined) ?? []));
    if (Object.hasOwn(at, name)) break;
  }
  return [...listOf<T>(key, method).filter((each) => !recorded.includes(each)), ...recorded];
}

/** The names of all methods that a class or the classes above it decorate. */
export function decoratedNames(key: symbol, prototype: object): Set<Name> {
  const names = new Set<Name>();
  for (const at of chainFrom(prototype)) {
    for (const name of recordsOf(key, at)?.keys() ?? []) names.add(name);
  }
  return names;
}

/** A prototype, and those of the classes above it. */
function* chainFrom(prototype: object | null): Generator<object> {
  for (let at = prototype; at; at = Object.getPrototypeOf(at) as object | null) yield at;
}

const recordsOf = (key: symbol, prototype: object): Records | undefined =>
  Reflect.getOwnMetadata(key, prototype) as Records | undefined;

/** What a standard decorator gets in place of a name. TypeScript calls those unless `experimentalDecorators` is set. */
interface StandardContext {
  readonly kind: string;
}

const isStandardClass = (name: Name | StandardContext): boolean => typeof name === 'object' && name.kind === 'class';

/**
 * The function of the method that is decorated, and the prototype it belongs to. No function where a class above has it,
 * whose other heirs are not meant.
 *
 * @throws RateLimitError `RL_DECORATOR_INVALID`
 */
function methodOf(
  target: object,
  name: Name | StandardContext,
  descriptor: PropertyDescriptor | undefined,
  decorator: string,
): { method: object | undefined; home: object } {
  if (typeof name === 'object') {
    throw invalid(
      `${decorator} was called as a standard decorator, which Nest's decorators are not; set "experimentalDecorators": true in tsconfig.json`,
    );
  }
  const isClass = typeof target === 'function';
  const isStatic = isClass && Object.hasOwn(target, name);
  // By hand, a class is often given in place of its prototype.
  const home = isClass ? (target.prototype as object) : target;
  const method: unknown = (descriptor ?? Object.getOwnPropertyDescriptor(home, name))?.value;
  if (!isStatic && typeof method === 'function') return { method, home };
  if (!isStatic && descriptor === undefined && isMethodAbove(home, name)) return { method: undefined, home };
  const place = `${isClass ? target.name : target.constructor?.name}.${String(name)}`;
  throw invalid(
    `${decorator} stands on ${place}, which is ${isStatic ? 'a static method' : 'not a method'}; put it on a controller's method or on the class`,
  );
}

function isMethodAbove(prototype: object, name: Name): boolean {
  for (const at of chainFrom(Object.getPrototypeOf(prototype) as object | null)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return typeof found.value === 'function';
  }
  return false;
}

const invalid = (detail: string): RateLimitError => new RateLimitError('RL_DECORATOR_INVALID', detail);
