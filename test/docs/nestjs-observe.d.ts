/** What pages use of a package that is not installed here, as version 0.3 has it. */
declare module '@nestjs/observe' {
  export class Counter<TLabel extends string = 'default'> {
    increment(label: Record<TLabel, string | number>, value?: number): void;
  }
  export class TracerService {
    counter<TLabel extends string = 'default'>(
      name: string,
      attributes: { description?: string; initialValue?: number; labels?: TLabel[] },
    ): Counter<TLabel>;
  }
}
