import 'reflect-metadata';

/** Adds to a metadata list, where SetMetadata would keep only the topmost decorator's. In the order they are read. */
export const appendMetadata =
  (key: symbol, values: readonly unknown[]): MethodDecorator & ClassDecorator =>
  (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const owner = (descriptor?.value as object | undefined) ?? target;
    // Decorators run from the bottom up; a class also sees what it inherits.
    Reflect.defineMetadata(key, [...values, ...listOf(key, owner)], owner);
  };

/** What the decorators said of a class or a handler. */
export const listOf = <T>(key: symbol, owner: object): readonly T[] =>
  (Reflect.getMetadata(key, owner) as T[] | undefined) ?? [];
