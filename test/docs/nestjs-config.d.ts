/** What pages use of a package that is not installed here. */
declare module '@nestjs/config' {
  import type { DynamicModule } from '@nestjs/common';
  export class ConfigModule {
    static forRoot(options?: { isGlobal?: boolean; envFilePath?: string }): Promise<DynamicModule>;
  }
  export class ConfigService {
    get<T = unknown>(name: string): T | undefined;
    get<T>(name: string, otherwise: T): T;
    getOrThrow<T = unknown>(name: string): T;
  }
}
