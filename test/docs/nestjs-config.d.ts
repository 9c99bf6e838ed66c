/** What pages use of a package that is not installed here. */
declare module '@nestjs/config' {
  import type { DynamicModule } from '@nestjs/common';
  export class ConfigModule {
    static forRoot(options?: { isGlobal?: boolean; envFilePath?: string }): Promise<DynamicModule>;
    static forFeature(config: () => unknown): Promise<DynamicModule>;
  }
  export class ConfigService {
    get<T = unknown>(name: string): T | undefined;
    get<T>(name: string, otherwise: T): T;
    getOrThrow<T = unknown>(name: string): T;
  }
  // As the package has it: an interface is assignable to a record of `any` alone.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  type ConfigObject = Record<string, any>;
  type ConfigFactory<T extends ConfigObject = ConfigObject> = () => T | Promise<T>;
  interface ConfigFactoryKeyHost<T = unknown> {
    KEY: string | symbol;
    asProvider(): {
      imports: [ReturnType<typeof ConfigModule.forFeature>];
      useFactory: (config: T) => T;
      inject: [string | symbol];
    };
  }
  export function registerAs<TConfig extends ConfigObject, TFactory extends ConfigFactory = ConfigFactory<TConfig>>(
    token: string | symbol,
    configFactory: TFactory,
  ): TFactory & ConfigFactoryKeyHost<ReturnType<TFactory>>;
}
